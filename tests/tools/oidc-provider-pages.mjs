// The pages of oidc-provider.mjs: signing in, consenting, and what went wrong. No script, nothing from elsewhere.

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text) => String(text).replace(/[&<>"']/g, (character) => ENTITIES[character]);

const page = (title, body) => `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title></head>
<body><main><h1>${title}</h1>
${body}
</main></body>
</html>
`;

export const signInPage = (message) => page('Sign in', `${message ? `<p role="alert">${escape(message)}</p>` : ''}
<form method="post">
<p><label for="username">User name</label> <input id="username" name="username" autocomplete="username" required></p>
<p><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required></p>
<p><button>Sign in</button></p>
</form>`);

export function consentPage({ params, prompt }) {
  const { missingOIDCScope = [], missingResourceScopes = {} } = prompt.details;
  const items = [
    ...missingOIDCScope,
    ...Object.entries(missingResourceScopes).flatMap(([at, scopes]) => scopes.map((scope) => `${scope} at ${at}`)),
  ];
  return page('Allow access', `<p><strong>${escape(params.client_id)}</strong> asks for:</p>
<ul>${items.map((item) => `<li>${escape(item)}</li>`).join('')}</ul>
<form method="post">
<button name="answer" value="allow">Allow</button>
<button name="answer" value="deny">Deny</button>
</form>`);
}

export const errorPage = ({ error, error_description: description }) =>
  page('Something is wrong', `<p>${escape(error)}: ${escape(description ?? '')}</p>`);

// The library's own form, with the code that is confirmed; without a button, which it leaves to the page.
export const codePage = (form, code) => page('Device', `${code ? `<p>The code is ${escape(code)}.</p>` : ''}
${form.replace('</form>', '<button>Continue</button></form>')}`);

export const donePage = () => page('Done', '<p>Go back to your device.</p>');
