//! The form of the Details tab: typed text in, a checked profile or the form with its errors out.

use super::queries::Profile;
use crate::accounts::person_name::parse_own_name;
use crate::web::{Errors, FormData, Option_, Radio, Radios, SelectField, TextField, Theme, Zone};

/// What the form holds.
pub(super) struct ProfileForm {
    pub name: String,
    pub time_zone: String,
    pub theme: String,
    pub errors: Errors,
}

/// What it has made of it.
pub(super) struct CheckedProfile {
    pub name: String,
    pub zone: Zone,
    pub theme: Theme,
}

impl ProfileForm {
    pub fn of(profile: &Profile) -> ProfileForm {
        ProfileForm {
            name: profile.name.clone(),
            time_zone: profile.zone().name().into(),
            theme: profile.theme().code().into(),
            errors: Errors::default(),
        }
    }

    pub fn read(data: &FormData) -> ProfileForm {
        ProfileForm {
            name: data.text("full_name"),
            time_zone: data.text("time_zone"),
            theme: data.text("theme"),
            errors: Errors::default(),
        }
    }

    /// The checked profile; `None` leaves the messages in the form.
    pub fn check(&mut self) -> Option<CheckedProfile> {
        let name = self.errors.keep("full_name", parse_own_name(&self.name));
        let zone = Zone::parse(&self.time_zone).ok_or("Choose a time zone of the list");
        let zone = self.errors.keep("time_zone", zone);
        let theme = Theme::parse(&self.theme).ok_or("Choose a theme");
        let theme = self.errors.keep("theme", theme);
        Some(CheckedProfile { name: name?, zone: zone?, theme: theme? })
    }

    pub fn name_field(&self) -> TextField {
        TextField::new("full_name", "Name", &self.name)
            .hint("What pages and the audit log call you.")
            .prose()
            .autocomplete("name")
            .width("w28")
            .errors(&self.errors)
    }

    pub fn time_zone_field(&self) -> SelectField {
        let mut options: Vec<Option_> = Zone::choices().map(|zone| Option_::new(zone.name(), zone.label())).collect();
        // An older name for one of them, stored before it was left out.
        let is_offered = options.iter().any(|option| option.value == self.time_zone);
        if let Some(zone) = Zone::parse(&self.time_zone).filter(|_| !is_offered) {
            options.insert(0, Option_::new(zone.name(), zone.label()));
        }
        SelectField::new("time_zone", "Time zone", options, &self.time_zone)
            .hint("In which pages show times, and read those that you type.")
            .errors(&self.errors)
    }

    pub fn theme_field(&self) -> Radios {
        let choices = Theme::ALL.map(|theme| Radio::new(theme.code(), theme.label(), "")).into();
        Radios::new("theme", "Theme", choices, &self.theme).errors(&self.errors)
    }
}
