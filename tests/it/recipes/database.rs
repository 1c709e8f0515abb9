//! A PostgreSQL server of one's own, spoken to over TLS.

use std::fs;
use std::path::Path;

use super::document::recipe;
use super::machine::Machine;
use crate::support::hostile::Authority;

/// A started server, prepared as the document says.
pub fn server(authority: &Authority) -> Machine {
    let mut server = Machine::with_postgresql(authority);
    server.name("localhost, 192.0.2.11", "127.0.0.1");
    server.name("192.0.2.10/32", "127.0.0.1/32");
    server.name("192.0.2.12/32", "127.0.0.1/32");
    server.run("database-certificate");
    server.put("database-listens");
    server.run("database");
    server
}

/// Connectory installed on another machine, with these settings besides, started.
pub fn connectory(servers: &mut [&mut Machine], authority: &Authority, settings: &str) -> Machine {
    let mut machine = Machine::installed();
    for (number, server) in servers.iter_mut().enumerate() {
        let address = format!("127.0.0.1:{}", server.postgresql().port);
        machine.name(&format!("db{}.example.org", number + 1), &address);
    }
    machine.run("make-master-key");
    machine.add_settings("database-settings");
    machine.add_lines(&machine.translated(settings));
    let untrusted = machine.shell("connectory migrate");
    assert_eq!(untrusted.code, 1, "{}", untrusted.out);
    assert!(untrusted.err.contains("certificate"), "{}", untrusted.err);
    fs::write(machine.path("/ca.crt"), authority.pem()).expect("a file");
    let all = machine.path("/etc/ssl/certs/ca-certificates.crt");
    machine.environment("SSL_CERT_FILE", all.to_str().expect("a path"));
    machine.run("own-authority");
    machine.run("first-super-admin");
    machine
}

/// Connectory with one server, started.
pub fn with_database(server: &mut Machine, authority: &Authority) -> Machine {
    connectory(&mut [server], authority, &recipe("database-settings"))
}

#[tokio::test]
async fn connectory_works_on_a_server_of_ones_own_and_is_dumped_and_restored_there() {
    let authority = Authority::new("Example CA");
    let mut server = server(&authority);
    let mut machine = with_database(&mut server, &authority);
    let demo = machine.shell("connectory demo");
    assert_eq!(demo.code, 0, "{}", demo.err);
    machine.ana().await.get("/connectors").await.expect(200);
    machine.run("backup-own-database");
    machine.stop();

    load(&mut server, &machine.path("/connectory.dump"));
    machine.run("stop-and-start");
    let page = machine.ana().await.get("/connectors").await.expect(200);
    assert_eq!(page.table_foot(), "1 – 25 of 60 data connectors");

    // Another Connectory, with a private database, moves there.
    let mut private = Machine::in_use();
    private.put("backup-script");
    private.run("backup");
    private.stop();
    machine.stop();
    let folder = private.path("/var/backups/connectory");
    let dump = fs::read_dir(folder).expect("the folder").next();
    let dump = dump.expect("a dump").expect("a file").path();
    fs::copy(&dump, server.path("/connectory.dump")).expect("the dump");
    let second = server.paste("restore-own-database");
    assert_ne!(second.code, 0, "{}", second.out);
    assert!(second.err.contains("connectory_before is still there"), "{}", second.err);
    server.run("restore-own-database-finish");
    load(&mut server, &dump);
    private.run("move-master-key");
    let all = machine.path("/etc/ssl/certs/ca-certificates.crt");
    private.environment("SSL_CERT_FILE", all.to_str().expect("a path"));
    let address = format!("127.0.0.1:{}", server.postgresql().port);
    private.name("db1.example.org", &address);
    private.add_settings("database-settings");
    private.run("stop-and-start");
    let page = private.ana().await.get("/connectors").await.expect(200);
    assert!(page.text().contains("No data connectors yet"));
}

/// Loads a dump in the place of the server's database.
fn load(server: &mut Machine, dump: &Path) {
    fs::copy(dump, server.path("/connectory.dump")).expect("the dump");
    server.run("restore-own-database");
}
