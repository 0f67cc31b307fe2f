//! What every page has around its content.

use patchwright_domain::time::Timestamp;

/// Light or dark, chosen by the reader or left to the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    Auto,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// Every choice in the order of the switch.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// Reads the value of the cookie or form; anything unknown is [`Theme::Auto`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }

    /// Value in the cookie, the form and the `data-theme` attribute.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Label of the switch.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Auto => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }
}

/// The signed-in person as the header shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Token that every form carries.
    pub csrf: String,
    /// A password is set; without one, only a new one-time link signs this person in again.
    pub has_password: bool,
}

/// Part of the console that the navigation marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Area {
    /// None of them.
    #[default]
    None,
    /// Today.
    Today,
    /// Hosts.
    Hosts,
    /// Findings.
    Findings,
    /// Exceptions.
    Exceptions,
    /// Advisories.
    Advisories,
    /// Vulnerability data.
    Data,
    /// Sources.
    Sources,
    /// Settings.
    Settings,
}

/// A sentence above the page after an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Worked, as opposed to refused.
    pub good: bool,
    /// The sentence.
    pub text: String,
}

/// Frame of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Title of the window, without the product's name.
    pub title: String,
    /// Marked navigation entry.
    pub area: Area,
    /// Light or dark.
    pub theme: Theme,
    /// Who is signed in; nothing on the sign-in pages.
    pub user: Option<User>,
    /// Path and query of this page, for the forms in the header to come back to.
    pub here: String,
    /// Text of the search field.
    pub search: String,
    /// Sentence after an action.
    pub notice: Option<Notice>,
    /// Address of the style sheet.
    pub css: String,
    /// Address of the script.
    pub js: String,
    /// The clock of the request.
    pub now: Timestamp,
}

impl Frame {
    /// Navigation: area, address, label.
    #[must_use]
    pub fn nav(&self) -> [(bool, &'static str, &'static str); 8] {
        [
            (self.area == Area::Today, "/", "Today"),
            (self.area == Area::Hosts, "/hosts", "Hosts"),
            (self.area == Area::Findings, "/findings", "Findings"),
            (self.area == Area::Exceptions, "/exceptions", "Exceptions"),
            (self.area == Area::Advisories, "/advisories", "Advisories"),
            (self.area == Area::Data, "/data", "Vulnerability data"),
            (self.area == Area::Sources, "/sources", "Sources"),
            (self.area == Area::Settings, "/settings", "Settings"),
        ]
    }

    /// When the page was made, in words.
    #[must_use]
    pub fn read_at(&self) -> String {
        super::text::instant(&self.now.to_string())
    }

    /// The switch: value, label, chosen now.
    #[must_use]
    pub fn themes(&self) -> [(&'static str, &'static str, bool); 3] {
        Theme::ALL.map(|t| (t.word(), t.label(), t == self.theme))
    }
}
