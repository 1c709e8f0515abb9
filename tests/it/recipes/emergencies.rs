//! The way out when the master key is lost.

use std::fs;

use super::machine::Machine;

#[tokio::test]
async fn without_the_master_key_all_but_the_secrets_is_kept() {
    let mut machine = Machine::in_use();
    let demo = machine.shell("connectory demo");
    assert_eq!(demo.code, 0, "{}", demo.err);
    let key = machine.path("/var/lib/connectory/master.key");
    let lost = fs::read_to_string(&key).expect("the key");
    machine.stop();
    fs::remove_file(&key).expect("it is lost");
    assert_eq!(machine.shell("connectory migrate").code, 1);

    let put_aside = machine.path("/var/backups/connectory-without-key");
    fs::create_dir(&put_aside).expect("a folder");
    let refused = machine.paste("lost-master-key");
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("-without-key"), "{}", refused.err);
    fs::remove_dir(put_aside).expect("nothing is in it");
    machine.run("lost-master-key");
    assert_ne!(fs::read_to_string(&key).expect("a new key"), lost);
    let ana = machine.ana().await;
    let page = ana.get("/connectors?status=not_authorized").await.expect(200);
    let unauthorized = page.table_foot();
    assert!(unauthorized.ends_with("data connectors"), "{unauthorized}");
    let page = ana.get("/connectors").await.expect(200);
    assert_eq!(page.table_foot(), "1 – 25 of 60 data connectors");
    let keys = machine.run("rotate-data-key");
    assert!(keys.contains("Sealed 1 "), "nothing is left but the new key of cookies: {keys}");
    machine.run("audit-verify");
}
