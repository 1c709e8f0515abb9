//! The columns of the list: headings, orders and the database columns behind them.

use super::model::ListRow;
use crate::db::keyset::Cursor;
use crate::web::Column;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectorColumn {
    Name,
    Description,
    Method,
    Category,
    Status,
    Modified,
    Created,
}

impl Column for ConnectorColumn {
    const ALL: &'static [ConnectorColumn] = &[
        ConnectorColumn::Name,
        ConnectorColumn::Description,
        ConnectorColumn::Method,
        ConnectorColumn::Category,
        ConnectorColumn::Status,
        ConnectorColumn::Modified,
        ConnectorColumn::Created,
    ];

    fn code(self) -> &'static str {
        match self {
            ConnectorColumn::Name => "name",
            ConnectorColumn::Description => "description",
            ConnectorColumn::Method => "method",
            ConnectorColumn::Category => "category",
            ConnectorColumn::Status => "status",
            ConnectorColumn::Modified => "modified",
            ConnectorColumn::Created => "created",
        }
    }

    fn label(self) -> &'static str {
        match self {
            ConnectorColumn::Name => "Name",
            ConnectorColumn::Description => "Description",
            ConnectorColumn::Method => "Method",
            ConnectorColumn::Category => "Category",
            ConnectorColumn::Status => "Status",
            ConnectorColumn::Modified => "Modified",
            ConnectorColumn::Created => "Created",
        }
    }

    fn orders(self) -> [&'static str; 2] {
        match self {
            ConnectorColumn::Modified | ConnectorColumn::Created => {
                ["oldest first", "newest first"]
            }
            _ => ["A to Z", "Z to A"],
        }
    }
}

impl ConnectorColumn {
    /// The indexed column, and the type that a cursor's text is cast to.
    pub fn sql(self) -> (&'static str, &'static str) {
        match self {
            ConnectorColumn::Name => ("label", "text"),
            ConnectorColumn::Description => ("description_start", "text"),
            ConnectorColumn::Method => ("method", "text"),
            ConnectorColumn::Category => ("categories_start", "text"),
            ConnectorColumn::Status => ("status", "text"),
            ConnectorColumn::Modified => ("updated_at", "timestamptz"),
            ConnectorColumn::Created => ("created_at", "timestamptz"),
        }
    }

    /// A row's place in this order.
    pub fn place(self, row: &ListRow) -> Cursor {
        let value = match self {
            ConnectorColumn::Name => row.label.clone(),
            ConnectorColumn::Description => row.description_start.clone(),
            ConnectorColumn::Method => row.method().code().to_string(),
            ConnectorColumn::Category => row.categories_start.clone(),
            ConnectorColumn::Status => row.health().code().to_string(),
            ConnectorColumn::Modified => row.updated_at.to_rfc3339(),
            ConnectorColumn::Created => row.created_at.to_rfc3339(),
        };
        Cursor { value, id: row.id }
    }
}
