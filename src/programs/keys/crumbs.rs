//! The way back: from a key's page to its holder.

use askama::Template;
use askama::filters::HtmlSafe;

use super::holder::Holder;
use super::model::Key;

/// The breadcrumb of a page about keys.
#[derive(Template)]
#[template(path = "programs/crumbs.html")]
pub struct Crumbs {
    trail: Vec<(String, String)>,
    here: String,
}

impl HtmlSafe for Crumbs {}

impl Crumbs {
    /// To a page of the holder itself.
    pub fn to_holder(holder: &Holder, here: &str) -> Crumbs {
        let trail = if holder.is_program() {
            vec![("Programs".into(), "/programs".into()), (holder.name.clone(), holder.address())]
        } else {
            vec![("Your profile".into(), holder.address()), ("API keys".into(), holder.list_address())]
        };
        Crumbs { trail, here: here.to_string() }
    }

    /// To a page of one of its keys.
    pub fn to_key(holder: &Holder, key: &Key, here: &str) -> Crumbs {
        let mut crumbs = Crumbs::to_holder(holder, here);
        let page = (key.name.clone(), holder.key_address(key.id));
        crumbs.trail.push(page);
        crumbs
    }
}
