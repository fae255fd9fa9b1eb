//! What is known of PostgreSQL's releases.

use jiff::civil::{Date, date};

use crate::facts::Unavailable;
use crate::facts::health::Health;
use crate::pg::version::ServerVersion;

/// A major version.
#[derive(Debug)]
pub struct Major {
    pub latest: ServerVersion,
    /// There are no fixes for it afterwards.
    pub ends: Date,
}

/// When the latest of these came out: later ones are not known.
pub const KNOWN_UNTIL: Date = date(2026, 11, 12);

const MAJORS: [Major; 5] = [
    Major { latest: ServerVersion(140_025), ends: date(2026, 11, 12) },
    Major { latest: ServerVersion(150_020), ends: date(2027, 11, 11) },
    Major { latest: ServerVersion(160_016), ends: date(2028, 11, 9) },
    Major { latest: ServerVersion(170_012), ends: date(2029, 11, 8) },
    Major { latest: ServerVersion(180_007), ends: date(2030, 11, 14) },
];

/// The release that runs.
///
/// # Errors
/// Where the settings could not be seen.
pub fn running(health: &Health) -> Result<ServerVersion, Unavailable> {
    let number = health.settings.seen()?.number("server_version_num");
    let number =
        number.ok_or_else(|| Unavailable::because("the server does not say its version"))?;
    Ok(ServerVersion(number as u32))
}

/// The latest release of its major version; `None` where that is newer than what pgtend knows.
pub fn latest(release: ServerVersion) -> Option<ServerVersion> {
    major_of(release).ok().map(|major| major.latest)
}

/// What is known of its major version.
///
/// # Errors
/// Where it is newer than what pgtend knows.
pub fn major_of(release: ServerVersion) -> Result<&'static Major, Unavailable> {
    let known = MAJORS.iter().find(|major| major.latest.major() == release.major());
    known.ok_or_else(|| {
        Unavailable::because(format!(
            "this pgtend knows of the releases until {KNOWN_UNTIL}, and of none of PostgreSQL {}",
            release.major(),
        ))
    })
}

/// Settings of a server of that version.
#[cfg(test)]
pub fn of_version(number: &str) -> crate::facts::Known<crate::facts::health::Settings> {
    crate::facts::health::settings(&[("server_version_num", number)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_and_known() {
        let health = |number| Health { settings: of_version(number), ..Health::default() };
        let release = running(&health("150018")).unwrap();
        assert_eq!(release.to_string(), "15.18");
        assert!(release < major_of(release).unwrap().latest);
        assert!(major_of(running(&health("190002")).unwrap()).is_err());
        assert!(running(&Health::default()).is_err());
    }
}
