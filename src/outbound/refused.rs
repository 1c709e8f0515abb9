//! A destination that the policy refuses, in words.

use std::fmt;
use std::net::IpAddr;

use super::address::Forbidden;

/// A destination that the policy refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// What was asked for: a host name, or an address and port.
    destination: String,
    /// The address that the name led to.
    led_to: Option<IpAddr>,
    why: Why,
    /// Whether it is the proxy on the way there.
    is_proxy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Forbidden(Forbidden),
    Loopback,
    Own,
    NotListed,
}

impl Refused {
    pub(super) fn new(destination: String, led_to: Option<IpAddr>, why: Why) -> Self {
        Self { destination, led_to, why, is_proxy: false }
    }

    /// The same refusal, told of a proxy.
    pub(super) fn of_proxy(&self) -> Self {
        Self { is_proxy: true, ..self.clone() }
    }

    #[cfg(test)]
    pub(super) fn why(&self) -> Why {
        self.why
    }

    /// What to try, for a person.
    pub(super) fn remedy(&self) -> &'static str {
        match self.why {
            Why::Forbidden(_) | Why::Own if self.is_proxy => {
                "Enter the address of the proxy itself. Addresses of this kind are always refused, \
                 so that nobody can reach internal services through Connectory."
            }
            Why::Loopback if self.is_proxy => {
                "Enter the address that the proxy has in the network, or ask whoever runs \
                 Connectory to allow loopback addresses."
            }
            Why::Forbidden(_) | Why::Own => {
                "Enter the address of the API itself. Addresses of this kind are always refused, \
                 so that nobody can reach internal services through Connectory."
            }
            Why::Loopback => {
                "Enter the address that the API has in the network, or ask whoever runs \
                 Connectory to allow loopback addresses."
            }
            Why::NotListed => "Ask whoever runs Connectory to add it to the list of allowed destinations.",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = if self.is_proxy { "the proxy " } else { "" };
        write!(f, "Connectory does not connect to {role}“{}”", self.destination)?;
        match self.led_to {
            Some(address) => write!(f, ": it leads to {address}, ")?,
            None => write!(f, ": it is ")?,
        }
        match self.why {
            Why::Forbidden(kind) => write!(f, "{}.", kind.words()),
            Why::Loopback => write!(f, "a loopback address (Connectory's own machine)."),
            Why::Own => write!(f, "where Connectory itself listens."),
            Why::NotListed => write!(f, "not on the list of allowed destinations."),
        }
    }
}

impl std::error::Error for Refused {}
