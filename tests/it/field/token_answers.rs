//! What token servers answer.

use crate::api::World;
use crate::support::upstream::Reply;

/// Apigee says `BearerToken`, Slack `bot` and `user`; their APIs take Bearer only.
#[tokio::test]
async fn a_token_type_that_is_no_scheme_is_sent_as_bearer() {
    for (token_type, scheme) in [
        ("BearerToken", "Bearer"),
        ("bot", "Bearer"),
        ("user", "Bearer"),
        ("bearer", "Bearer"),
        ("JWT", "Bearer"),
        ("urn:ietf:params:oauth:token-type:jwt", "Bearer"),
        ("token", "Token"),
    ] {
        let world = World::new(|_| Reply::json(200, "{}")).await;
        world.app.sql(&format!("UPDATE tokens SET token_type = '{token_type}'")).await;
        assert_eq!(world.proxied("/echo").await.status, 200);
        let sent = world.api.last();
        let sent = sent.header("authorization").expect("a credential");
        assert_eq!(sent.split(' ').next(), Some(scheme), "{token_type}");
    }
}
