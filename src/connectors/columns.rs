//! The columns of the list: headings, orders and the database columns behind them.

use super::model::ListRow;
use crate::db::keyset::{Cursor, Kind};
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
            ConnectorColumn::Modified | ConnectorColumn::Created => ["oldest first", "newest first"],
            _ => ["A to Z", "Z to A"],
        }
    }

    fn kind(self) -> Kind {
        self.sql().1
    }
}

impl ConnectorColumn {
    /// The indexed column and what it holds.
    pub fn sql(self) -> (&'static str, Kind) {
        match self {
            ConnectorColumn::Name => ("label", Kind::Text),
            ConnectorColumn::Description => ("description_start", Kind::Text),
            ConnectorColumn::Method => ("method", Kind::Text),
            ConnectorColumn::Category => ("categories_start", Kind::Text),
            ConnectorColumn::Status => ("status", Kind::Text),
            ConnectorColumn::Modified => ("updated_at", Kind::Time),
            ConnectorColumn::Created => ("created_at", Kind::Time),
        }
    }

    /// A row's place in this order.
    pub fn place(self, row: &ListRow) -> Cursor {
        let value = match self {
            ConnectorColumn::Name => row.label.clone(),
            ConnectorColumn::Description => row.description_start.clone(),
            ConnectorColumn::Method => row.method.clone(),
            ConnectorColumn::Category => row.categories_start.clone(),
            ConnectorColumn::Status => row.status.clone(),
            ConnectorColumn::Modified => row.updated_at.to_rfc3339(),
            ConnectorColumn::Created => row.created_at.to_rfc3339(),
        };
        Cursor { value, id: row.id }
    }
}
