//! What stands in for commands that would change the machine under the tests.
//!
//! `systemctl` has the test start and stop its own processes, by the unit's `ExecStart`. `runuser` changes to no user
//! `connectory`, whom `adduser` did not make. `a2enmod` and `a2ensite` write down what they are told.
//! `update-ca-certificates` is the real one, which writes below the machine's folder.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What stands for the machine's own commands, in front of all others.
const COMMANDS: [(&str, &str); 9] = [
    (
        "systemctl",
        // Both ends of the pipe wait for each other. Without the test there is nobody to wait for.
        r#"exec setpriv --pdeathsig KILL sh -ec '
printf "%s\n" "$*" > "$MACHINE/run/asked.part"
mv "$MACHINE/run/asked.part" "$MACHINE/run/asked"
read -r done < "$MACHINE/run/answers"' systemctl "$@""#,
    ),
    (
        "runuser",
        r#"[ "$1" = -u ] && [ "$3" = -- ] || { echo "runuser: $*" >&2; exit 2; }
user=$2; shift 3
# Root's private PostgreSQL runs as the user postgres too.
case $1 in */postgres) user=postgres ;; esac
if [ "$user" = postgres ] && [ "$(id -u)" -eq 0 ]; then
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
fi
exec "$@""#,
    ),
    (
        "adduser",
        r#"[ "$*" = "--system --group --home $MACHINE/var/lib/connectory connectory" ] || exit 2
mkdir -m 755 "$MACHINE/var/lib/connectory""#,
    ),
    (
        "install",
        // Without root nothing can be given to somebody else.
        r#"[ "$1" != -o ] || [ "$(id -u)" -eq 0 ] || shift 4
exec /usr/bin/install "$@""#,
    ),
    ("a2enmod", r#"printf '%s\n' "$@" > "$MACHINE/run/modules""#),
    (
        "a2ensite",
        r#"[ -f "$MACHINE/etc/apache2/sites-available/$1.conf" ]
mkdir "$MACHINE/etc/apache2/sites-enabled"
ln -s "../sites-available/$1.conf" "$MACHINE/etc/apache2/sites-enabled/$1.conf""#,
    ),
    ("chgrp", r#"[ "$1" = connectory ] && [ -e "$2" ]"#),
    (
        "chown",
        r#"case $1 in
connectory:) [ -e "$2" ] ;;
*) [ "$(id -u)" -ne 0 ] || exec /bin/chown "$@" ;;
esac"#,
    ),
    (
        "update-ca-certificates",
        r#"exec /usr/sbin/update-ca-certificates --localcertsdir "$MACHINE/usr/local/share/ca-certificates" \
    --etccertsdir "$MACHINE/etc/ssl/certs" --hooksdir "$MACHINE/none""#,
    ),
];

/// Lays the commands into a folder.
pub fn put_into(folder: &Path) {
    for (name, script) in COMMANDS {
        write_script(&folder.join(name), script);
    }
}

/// Writes a script that ends at its first error.
pub fn write_script(path: &Path, script: &str) {
    fs::write(path, format!("#!/bin/sh -e\n{script}\n")).expect("a script");
    fs::set_permissions(path, Permissions::from_mode(0o755)).expect("its mode");
}
