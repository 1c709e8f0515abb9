//! The sample data of `connectory demo`: what a town administration would keep in Connectory.
//!
//! Rule: every host is one of the names reserved for examples, so no demo ever reaches a real system.
//! The names also show what a name may be: any script, apostrophes, accents, and more than 200 characters.

/// One connector as the demo makes it.
pub struct DemoConnector {
    pub name: &'static str,
    /// Empty: the name is shown.
    pub display_name: &'static str,
    pub description: &'static str,
    pub base_url: &'static str,
    /// Of [`CATEGORIES`].
    pub categories: &'static [&'static str],
    pub method: DemoMethod,
    pub enabled: bool,
    /// Whether a made-up password, token or key is stored.
    pub with_secret: bool,
    /// When a stored token expires, counted from now; negative: it has expired.
    pub expires_in_hours: Option<i64>,
}

/// How a connector of the demo signs in.
pub enum DemoMethod {
    NoAuth,
    Basic { user: &'static str },
    Bearer,
    ApiKey { place: DemoPlace, name: &'static str },
}

/// Where an API key is sent.
pub enum DemoPlace {
    Header,
    Query,
}

use DemoMethod::{ApiKey, Basic, Bearer, NoAuth};
use DemoPlace::{Header, Query};

/// Names, and whether they are Active. What stands in an Inactive one was put there when it was Active.
pub const CATEGORIES: &[(&str, bool)] = &[
    ("Citizen services", true),
    ("Communication", true),
    ("Environment", true),
    ("Facilities", true),
    ("Finance", true),
    ("Human resources", true),
    ("Libraries and culture", true),
    ("Maps and addresses", true),
    ("Retired systems", false),
];

/// What most connectors have in common.
const USUAL: DemoConnector = DemoConnector {
    name: "",
    display_name: "",
    description: "",
    base_url: "",
    categories: &[],
    method: NoAuth,
    enabled: true,
    with_secret: false,
    expires_in_hours: None,
};

/// Sixty of them, by category.
#[rustfmt::skip] // a table: three lines each, to be compared
pub const CONNECTORS: &[DemoConnector] = &[
    DemoConnector { name: "Appointments", base_url: "https://appointments.example.org/api/v2",
        description: "Free slots and bookings of the citizens’ office, by service and counter.",
        categories: &["Citizen services"], method: Bearer, with_secret: true, expires_in_hours: Some(20), ..USUAL },
    DemoConnector { name: "Citizens' forms", base_url: "https://forms.example.org/api",
        description: "Forms handed in on the town’s website, each with its attachments as PDF.",
        categories: &["Citizen services"], method: ApiKey { place: Header, name: "X-Api-Key" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Δημοτολόγιο", display_name: "Residents of the twin town", base_url: "https://registry.example.net/dimos/v1",
        description: "Register of residents of the twin town, read once a week for the exchange programme.",
        categories: &["Citizen services"], method: Basic { user: "anagnosi" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Parking permits", base_url: "http://permits.intranet.example:8080/rest",
        description: "Permits by number plate, with zone and last day.",
        categories: &["Citizen services"], method: Basic { user: "connectory" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Lost and found", base_url: "https://lost-and-found.example.com/feed.json",
        description: "What was handed in, where it was found and until when it is kept.",
        categories: &["Citizen services"], ..USUAL },
    DemoConnector { name: "Wedding dates", base_url: "https://registry-office.example.org/dates",
        description: "Dates and rooms of the registry office that are still free.",
        categories: &["Citizen services", "Communication"], ..USUAL },
    DemoConnector { name: "Kindergarten places", base_url: "https://kita.example.org/api/v1",
        description: "Free places by district and age; applications go the other way.",
        categories: &["Citizen services"], method: Bearer, with_secret: true, expires_in_hours: Some(3), ..USUAL },
    DemoConnector { name: "Dog licences", base_url: "http://licences.intranet.example/dogs",
        description: "Licences and tags, to answer who owns the dog that was found.",
        categories: &["Citizen services"], method: Basic { user: "dogs_reader" }, ..USUAL },
    DemoConnector { name: "Signatures and certificates of the electronic identity service", display_name: "eID check", base_url: "https://eid.example.net/verify/v3",
        description: "Checks electronic signatures on applications and gives back the signer’s verified name.",
        categories: &["Citizen services"], method: Bearer, with_secret: true, expires_in_hours: Some(-30), ..USUAL },
    DemoConnector { name: "SMS gateway", base_url: "https://sms.example.com/v1",
        description: "Short messages: appointment reminders, storm warnings, one-time codes.",
        categories: &["Communication"], method: ApiKey { place: Header, name: "Authorization" }, with_secret: true, ..USUAL },
    DemoConnector { name: "SMS gateway - stand-by", base_url: "https://sms.example.net/send",
        description: "The second provider; takes over when the first one fails.",
        categories: &["Communication"], method: ApiKey { place: Query, name: "key" }, enabled: false, with_secret: true, ..USUAL },
    DemoConnector { name: "Mayor's calendar", base_url: "https://calendar.example.org/caldav/mayor",
        description: "Public engagements of the mayor, for the website and the press office.",
        categories: &["Communication"], method: Basic { user: "website" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Room calendars", base_url: "https://calendar.example.org/freebusy",
        description: "Free and busy times of the meeting rooms, without subjects.",
        categories: &["Communication", "Facilities"], method: Basic { user: "rooms@town.example" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Newsletter", base_url: "https://newsletter.example.com/3.0",
        description: "Subscribers and issues of the monthly newsletter.",
        categories: &["Communication"], method: Bearer, with_secret: true, expires_in_hours: Some(700), ..USUAL },
    DemoConnector { name: "Press releases", base_url: "https://press.example.org/releases.json",
        description: "Published releases with pictures, newest first.",
        categories: &["Communication"], ..USUAL },
    DemoConnector { name: "Warnings by siren and app", base_url: "https://warnings.example.net/cap/1.2",
        description: "Sends a warning to all sirens and phones of a district. Ask the control centre before any test.",
        categories: &["Communication"], method: Bearer, with_secret: true, expires_in_hours: Some(1), ..USUAL },
    DemoConnector { name: "Weather", base_url: "https://weather.example.com/data/v4",
        description: "Measured and forecast weather at the town’s four stations, every ten minutes.",
        categories: &["Environment"], method: ApiKey { place: Query, name: "appid" }, with_secret: true, ..USUAL },
    DemoConnector { name: "River gauges", base_url: "https://gauges.example.net/api/stations",
        description: "Water levels of the river and its two brooks, with the alarm levels.",
        categories: &["Environment"], ..USUAL },
    DemoConnector { name: "Air quality", base_url: "https://air.example.org/v2/sensors",
        description: "Hourly particulates, nitrogen dioxide and ozone from the sensors at the ring road.",
        categories: &["Environment"], method: ApiKey { place: Header, name: "X-Sensor-Key" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Collecte des déchets", display_name: "Waste collection", base_url: "https://dechets.example.org/api",
        description: "Calendrier de collecte et tournées en cours, par rue et par numéro.",
        categories: &["Environment", "Citizen services"], method: ApiKey { place: Header, name: "X-Cle" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Recycling yard", base_url: "http://yard.internal:9000/status",
        description: "Opening times, and how full the containers are.",
        categories: &["Environment", "Facilities"], ..USUAL },
    DemoConnector { name: "Tree register", base_url: "https://trees.example.org/ogc/features",
        description: "Every tree on public ground: species, age, last inspection, next cut.",
        categories: &["Environment", "Maps and addresses"], method: Bearer, with_secret: true, expires_in_hours: Some(8), ..USUAL },
    DemoConnector { name: "Building management", base_url: "http://bms.internal:8443/api",
        description: "Heating, ventilation and alarms of 41 buildings.",
        categories: &["Facilities"], method: Basic { user: "connectory" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Work orders", base_url: "https://workorders.example.com/v1",
        description: "Repairs by building and trade: reported, ordered, done, invoiced.",
        categories: &["Facilities"], method: Bearer, with_secret: true, expires_in_hours: Some(26), ..USUAL },
    DemoConnector { name: "Électricité et gaz", display_name: "Meter readings", base_url: "https://energie.example.org/releves",
        description: "Consommation par compteur, au quart d’heure.",
        categories: &["Facilities", "Finance"], method: Bearer, with_secret: true, expires_in_hours: Some(-2), ..USUAL },
    DemoConnector { name: "Solar panels", base_url: "https://solar.example.net/site/1847",
        description: "Yield of the panels on the school roofs, for the displays in the entrance halls.",
        categories: &["Facilities", "Environment"], method: ApiKey { place: Query, name: "api_key" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Doors and badges", base_url: "https://doors.internal/acs/api",
        description: "Badges, groups and door events. Read-only: badges are issued at the front desk.",
        categories: &["Facilities", "Human resources"], method: Basic { user: "acs-reader" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Car pool", base_url: "https://carpool.example.com/api/v5",
        description: "Bookings, mileage and charging state of the staff’s cars and bicycles.",
        categories: &["Facilities"], method: Bearer, with_secret: true, expires_in_hours: Some(12), ..USUAL },
    DemoConnector { name: "Street lights", base_url: "http://lights.internal/lon/rest",
        description: "Lamps, switching times and reported outages.",
        categories: &["Facilities"], ..USUAL },
    DemoConnector { name: "Реестр зданий", display_name: "Building register", base_url: "https://buildings.example.net/reestr/v1",
        description: "Inventory of buildings and flats that the town owns, kept by the housing company.",
        categories: &["Facilities", "Maps and addresses"], method: Basic { user: "chitatel" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Lifts", base_url: "https://lifts.example.com/fleet",
        description: "State of the lifts, reported by their maker’s remote service.",
        categories: &["Facilities"], method: ApiKey { place: Header, name: "Ocp-Apim-Key" }, enabled: false, with_secret: true, ..USUAL },
    DemoConnector { name: "Payroll", base_url: "http://payroll.intranet.example/api",
        description: "Pay slips and payroll results of the month, after the run is released.",
        categories: &["Finance", "Human resources"], method: Basic { user: "svc_payroll" }, with_secret: true, ..USUAL },
    DemoConnector { name: "E-invoices in", base_url: "https://invoices.example.org/inbox/v2",
        description: "Invoices that suppliers send, as XRechnung or UBL, checked and with their attachments.",
        categories: &["Finance"], method: Bearer, with_secret: true, expires_in_hours: Some(11), ..USUAL },
    DemoConnector { name: "E-invoices out", base_url: "https://peppol.example.net/outbox",
        description: "Invoices of the town to public bodies, by Peppol.",
        categories: &["Finance"], method: Bearer, with_secret: true, expires_in_hours: Some(11), ..USUAL },
    DemoConnector { name: "General ledger", base_url: "http://ledger.intranet.example:8000/odata",
        description: "Accounts, cost centres and postings of the current and the last year.",
        categories: &["Finance"], method: Basic { user: "CONNECTORY" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Dunning", base_url: "http://ledger.intranet.example:8000/dunning",
        description: "Open items and reminders, with the stop marks of the debt counselling.",
        categories: &["Finance"], method: Basic { user: "CONNECTORY" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Card payments", base_url: "https://payments.example.com/v1",
        description: "Payments at the counters and on the website, with the fees.",
        categories: &["Finance", "Citizen services"], method: Bearer, with_secret: true, expires_in_hours: Some(2000), ..USUAL },
    DemoConnector { name: "Tourists' tax", base_url: "https://tourist-tax.example.org/api",
        description: "Overnight stays reported by hotels, and what they owe.",
        categories: &["Finance"], method: ApiKey { place: Header, name: "X-Api-Key" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Exchange rates", base_url: "https://rates.example.net/daily.json",
        description: "Daily reference rates, for travel expenses.",
        categories: &["Finance"], ..USUAL },
    DemoConnector { name: "Grants and subsidies", base_url: "https://grants.example.org/region/api/v3",
        description: "Applications for funding, the notices and the proofs of use. The service belongs to the region and is \
            read by eleven towns: it answers slowly in the last week of a quarter, returns at most 200 applications \
            at a time, and counts a day’s requests from midnight UTC. Amounts are in cents; a missing amount means \
            “not decided yet”, not zero. Notices come as PDF/A and stay available for ten years. Contact the funding \
            office, not the help desk, when an application is missing: it is there as soon as the applicant has \
            signed it. Test data is reset every Sunday night.",
        categories: &["Finance"], method: Bearer, with_secret: true, expires_in_hours: Some(5), ..USUAL },
    DemoConnector { name: "Staff directory", base_url: "http://directory.intranet.example/scim/v2",
        description: "Names, rooms, telephone numbers and deputies.",
        categories: &["Human resources"], method: Bearer, with_secret: true, expires_in_hours: Some(90), ..USUAL },
    DemoConnector { name: "Time recording", base_url: "http://times.intranet.example/webapi",
        description: "Working times and absences; corrections need the approval of the head of department.",
        categories: &["Human resources"], method: Basic { user: "times.reader" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Job advertisements", base_url: "https://jobs.example.com/feed/v1",
        description: "Open positions for the website and the job portals.",
        categories: &["Human resources", "Communication"], ..USUAL },
    DemoConnector { name: "Training courses", base_url: "https://training.example.org/lti/api",
        description: "Courses, places and attendance of the regional training centre.",
        categories: &["Human resources"], method: Bearer, ..USUAL },
    DemoConnector { name: "Sécurité au travail", display_name: "Safety at work", base_url: "http://securite.intranet.example/api",
        description: "Accidents du travail, visites médicales et équipements de protection.",
        categories: &["Human resources"], method: Basic { user: "lecture" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Travel expenses", base_url: "https://travel.example.com/expense/v4",
        description: "Claims with receipts, and what was paid out.",
        categories: &["Human resources", "Finance"], method: Bearer, with_secret: true, expires_in_hours: Some(-400), ..USUAL },
    DemoConnector { name: "Apprentices' log", base_url: "https://apprentices.example.org/api",
        description: "Weekly reports of the apprentices and trainees.",
        categories: &["Human resources"], method: ApiKey { place: Header, name: "X-Token" }, enabled: false, with_secret: true, ..USUAL },
    DemoConnector { name: "Library catalogue", base_url: "https://catalogue.example.org/rest",
        description: "Titles, copies and loans of the five libraries.",
        categories: &["Libraries and culture"], method: ApiKey { place: Header, name: "X-Library-Key" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Médiathèque d'outre-mer", base_url: "https://mediatheque.example.net/opac/api",
        description: "Catalogue partagé des médiathèques jumelées.",
        categories: &["Libraries and culture"], method: ApiKey { place: Query, name: "cle" }, with_secret: true, ..USUAL },
    DemoConnector { name: "姉妹都市の図書交換", display_name: "Sister city book exchange", base_url: "https://toshokan.example.com/api/v1",
        description: "Books exchanged with the sister city: wishes, parcels, thanks.",
        categories: &["Libraries and culture"], method: Basic { user: "koukan" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Town archive", base_url: "https://archive.example.org/oai",
        description: "Finding aids and digitised records, back to 1432.",
        categories: &["Libraries and culture"], ..USUAL },
    DemoConnector { name: "Museum tickets", base_url: "https://museum.example.com/tickets/v2",
        description: "Tickets by day and hour, and the visitors counted at the door.",
        categories: &["Libraries and culture", "Finance"], method: Bearer, with_secret: true, expires_in_hours: Some(48), ..USUAL },
    DemoConnector { name: "Children’s theatre", base_url: "https://theatre.example.org/programme.json",
        description: "Programme and free seats, for the town’s events calendar.",
        categories: &["Libraries and culture", "Communication"], ..USUAL },
    DemoConnector { name: "Address look-up", base_url: "https://addresses.example.org/geocode/v1",
        description: "Checks an address and gives its coordinates, district and polling station.",
        categories: &["Maps and addresses"], method: ApiKey { place: Query, name: "token" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Land parcels", base_url: "https://parcels.example.net/wfs",
        description: "Parcels with owners. Personal data: each request is logged by the land registry.",
        categories: &["Maps and addresses"], method: Basic { user: "town-4711" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Map tiles", base_url: "https://tiles.example.org/wmts/1.0.0",
        description: "Base map and aerial pictures as tiles, for every map on the website.",
        categories: &["Maps and addresses"], ..USUAL },
    DemoConnector { name: "Road works", base_url: "https://roadworks.example.org/datex2/v3",
        description: "Closures and diversions, today and planned.",
        categories: &["Maps and addresses", "Communication"], method: Bearer, with_secret: true, expires_in_hours: Some(15), ..USUAL },
    DemoConnector { name: "Underground cables and pipes and ducts and shafts of the networks for electricity and gas and water and district heating and sewage and telecommunication in the town centre and in the eleven villages with the plans of all years from 1898 until today", display_name: "Underground networks", base_url: "http://cables.internal/plans/api",
        description: "Asked before every excavation; answers with plans as PDF.",
        categories: &["Maps and addresses", "Facilities"], method: Basic { user: "excavation" }, with_secret: true, ..USUAL },
    DemoConnector { name: "Old payroll 2009-2021", base_url: "http://payroll-old.intranet.example/cgi",
        description: "Kept to look up former years; the new system began in January 2022.",
        categories: &["Retired systems"], method: Basic { user: "archive" }, enabled: false, with_secret: true, ..USUAL },
    DemoConnector { name: "Fax server", base_url: "http://fax.internal/inbox",
        description: "Received faxes as TIFF. Switched off when the last contract ends.",
        categories: &["Retired systems", "Communication"], enabled: false, ..USUAL },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_name_is_one_that_the_form_accepts_and_its_own() {
        let mut seen = HashSet::new();
        for connector in CONNECTORS {
            let name = connector.name;
            assert!(name.chars().count() <= 255 && name.trim() == name, "{name}");
            assert!(name.chars().all(|c| c.is_alphanumeric() || " '’-_.".contains(c)), "{name}");
            assert!(seen.insert(name.to_lowercase()), "{name} stands there twice");
        }
        assert_eq!(seen.len(), 60);
    }

    #[test]
    fn every_category_of_a_connector_is_made() {
        for connector in CONNECTORS {
            assert!(!connector.categories.is_empty(), "{}", connector.name);
            for category in connector.categories {
                assert!(CATEGORIES.iter().any(|row| row.0 == *category), "{category}");
            }
        }
    }

    #[test]
    fn every_host_is_reserved_for_examples() {
        for connector in CONNECTORS {
            let rest = connector.base_url.split_once("://").map_or("", |parts| parts.1);
            let host = rest.split(['/', ':']).next().unwrap_or("");
            let reserved = [".example", ".internal", ".example.org", ".example.com", ".example.net"];
            assert!(reserved.iter().any(|end| host.ends_with(end)), "{host}");
        }
    }

    #[test]
    fn only_what_needs_a_secret_has_one_and_only_a_stored_token_expires() {
        for connector in CONNECTORS {
            let bearer = matches!(connector.method, Bearer);
            assert!(!connector.with_secret || !matches!(connector.method, NoAuth), "{}", connector.name);
            let expires = connector.expires_in_hours.is_some();
            assert!(!expires || (bearer && connector.with_secret), "{}", connector.name);
        }
    }
}
