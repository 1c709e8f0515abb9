//! An address for every route.

use connectory::connectors;
use connectory::routes::Route;
use uuid::Uuid;

use crate::support::TestApp;

/// What the variable parts of paths stand for.
pub struct Examples {
    /// A category that cannot be deleted, because a connector has it.
    category: Uuid,
    style_sheet: String,
    /// An endpoint of the connector.
    endpoint: Uuid,
}

impl Examples {
    pub async fn create(app: &TestApp) -> Examples {
        let category = app.category("Finance").await;
        let connector = app
            .connector_with("Payroll", |new| {
                new.categories = vec![category];
                new.method = connectors::Method::Bearer;
            })
            .await;
        let endpoint = Uuid::now_v7();
        app.sql(&format!(
            "INSERT INTO endpoints (id, connector_id, name, name_key, method, url, created_at, created_by, updated_at, updated_by)
             VALUES ('{endpoint}', '{connector}', 'list', 'list', 'GET', '/orders/{{{{id}}}}', now(), 'Nobody', now(), 'Nobody')"
        ))
        .await;
        let page = app.browser().get("/nowhere").await;
        let style_sheet = page
            .attribute("link[rel=stylesheet]", "href")
            .expect("a style sheet");
        app.founded().await;
        Examples {
            category,
            style_sheet,
            endpoint,
        }
    }

    /// A path that fits the route.
    pub async fn path(&self, app: &TestApp, route: &Route) -> String {
        let key = if route.path.ends_with("/restorations") {
            self.trashed(app).await
        } else {
            "payroll".to_string()
        };
        let path = match route.path {
            "/static/{file}" => self.style_sheet.clone(),
            path if path.starts_with("/connectors/{key}") => path
                .replace("{key}", &key)
                .replace("{id}", &self.endpoint.to_string())
                .replace("{body}", "no-body"),
            path if path.starts_with("/categories/{id}") => {
                path.replace("{id}", &self.category.to_string())
            }
            path if path.starts_with("/api/v1/connectors/{key}") => path
                .replace("{key}", &key)
                .replace("{name}", "list")
                .replace("{path}", "orders"),
            path => path.to_string(),
        };
        assert!(
            !path.contains('{'),
            "{path} has no example: give Examples::path one"
        );
        path
    }

    /// The key of a connector in the trash; another one each time, since restoring takes it out.
    async fn trashed(&self, app: &TestApp) -> String {
        let id = app
            .connector(&format!("Trashed {}", Uuid::now_v7().simple()))
            .await;
        app.sql(&format!(
            "UPDATE connectors SET deleted_at = now(), deleted_by = 'Nobody' WHERE id = '{id}'"
        ))
        .await;
        app.value(&format!("SELECT key FROM connectors WHERE id = '{id}'"))
            .await
    }
}
