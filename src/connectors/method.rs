//! How a connector authenticates.

use diesel::deserialize::FromSqlRow;

use crate::db::text_column;

/// An OAuth 2.0 grant type (RFC 6749 section 1.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grant {
    AuthorizationCode,
    ClientCredentials,
    Password,
    Implicit,
}

/// An authorization method.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromSqlRow)]
pub enum Method {
    NoAuth,
    Basic,
    Bearer,
    ApiKey,
    OAuth(Grant),
}

text_column!(Method, "connectors.method");

/// Code (database, forms) and label (pages). The codes sort as the labels do, so that the list can sort by the code.
const ALL: [(Method, &str, &str); 8] = [
    (Method::NoAuth, "no_auth", "No Auth"),
    (Method::Basic, "basic", "Basic Auth"),
    (Method::Bearer, "bearer", "Bearer Token"),
    (Method::ApiKey, "api_key", "API Key"),
    (Method::OAuth(Grant::AuthorizationCode), "oauth_authorization_code", "OAuth 2.0 Authorization Code"),
    (Method::OAuth(Grant::ClientCredentials), "oauth_client_credentials", "OAuth 2.0 Client Credentials"),
    (Method::OAuth(Grant::Password), "oauth_password", "Auth 2.0 Password"),
    (Method::OAuth(Grant::Implicit), "oauth_implicit", "OAuth 2.0 Implicit"),
];

impl Method {
    /// The methods that people can choose, in the order of the forms.
    pub fn all() -> impl Iterator<Item = Method> {
        ALL.iter().map(|(method, ..)| *method)
    }

    /// The method of a stored code.
    pub fn parse(code: &str) -> Option<Method> {
        ALL.iter().find(|(_, known, _)| *known == code).map(|(method, ..)| *method)
    }

    pub fn code(self) -> &'static str {
        self.entry().1
    }

    pub fn label(self) -> &'static str {
        self.entry().2
    }

    fn entry(self) -> &'static (Method, &'static str, &'static str) {
        ALL.iter().find(|(method, ..)| *method == self).unwrap_or(&ALL[0])
    }
}

/// Which of the legacy grants are left on. RFC 9700 sections 2.1.2 and 2.4 advise against the one and forbid the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LegacyGrants {
    pub password: bool,
    pub implicit: bool,
}

impl Default for LegacyGrants {
    fn default() -> LegacyGrants {
        LegacyGrants { password: true, implicit: true }
    }
}

impl LegacyGrants {
    /// Whether connectors may sign in by this method.
    pub fn allow(self, method: Method) -> bool {
        match method {
            Method::OAuth(Grant::Password) => self.password,
            Method::OAuth(Grant::Implicit) => self.implicit,
            _ => true,
        }
    }

    /// The methods to choose from, and the one that is stored already, so that a form shows what is.
    pub fn choices(self, stored: Option<Method>) -> impl Iterator<Item = Method> {
        Method::all().filter(move |method| self.allow(*method) || stored == Some(*method))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_is_switched_off_is_offered_only_where_it_is_stored() {
        let (password, implicit) = (Method::OAuth(Grant::Password), Method::OAuth(Grant::Implicit));
        let grants = LegacyGrants { password: false, implicit: true };
        assert!(!grants.allow(password) && grants.allow(implicit));
        let offered: Vec<Method> = grants.choices(None).collect();
        assert!(!offered.contains(&password));
        assert_eq!(offered.len(), Method::all().count() - 1);
        assert!(grants.choices(Some(password)).eq(Method::all()));
        assert!(LegacyGrants::default().choices(None).eq(Method::all()));
    }

    #[test]
    fn every_method_has_one_code() {
        for (method, code, label) in ALL {
            assert_eq!(Method::parse(code), Some(method));
            assert_eq!(method.label(), label);
        }
    }
}
