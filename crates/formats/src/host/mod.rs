//! What a machine says about itself, in the files and command outputs that people can hand over without an agent.
//!
//! Every reader gives `(value, Vec<Problem>)`: it never fails on content, a broken record is a problem and costs only
//! itself. Inputs are whole documents in memory; [`DOCUMENT_BYTES_MAX`] and the constants beside it bound what is taken.
//! Only [`read_document`] and [`import_dir`] can refuse, and only where going on would give a wrong answer: an unknown
//! release, an unreadable document, an empty list.
//!
//! | document | reader |
//! |---|---|
//! | `/var/lib/dpkg/status`, `status.d/*` | [`dpkg_status`] |
//! | `dpkg -l`, `dpkg-query -W` | [`dpkg_list`] |
//! | `rpm -qa` | [`rpm_list`] |
//! | `/lib/apk/db/installed` | [`apk_installed`] |
//! | `/etc/apk/repositories`, `APKINDEX` | [`apk_repositories`] |
//! | `*.repo`, zypper's services and history, `primary.xml` | [`rpm_repositories`] |
//! | CycloneDX, SPDX (JSON) | [`cyclonedx`], [`spdx`] |
//! | one package per line | [`package_list`] |
//! | what `patchwright collect` printed | [`facts`] |
//! | `/etc/os-release` | [`os_release`] |
//! | `apt-get -s dist-upgrade`, `apt-cache policy` | [`apt_simulate`], [`apt_policy`] |
//! | `Release` files, `sources.list` | [`apt_release`], [`apt_sources`] |
//! | `history.log`, `dpkg.log` | [`apt_history`], [`dpkg_log`] |
//! | `debian/changelog` | [`changelog`] |
//! | `needrestart -b` | [`needrestart`] |
//! | dnf: offers, transaction, advisories, history, configuration | [`dnf`] |
//! | `METADATA`, `package.json`, gem specifications, `pom.properties` | [`language`] |
//! | subscription certificates | [`certificate`] |

pub mod apk_installed;
pub mod apk_repositories;
pub mod apt_history;
pub mod apt_policy;
pub mod apt_release;
pub mod apt_simulate;
pub mod apt_sources;
pub mod certificate;
pub mod changelog;
pub mod cyclonedx;
mod detect;
pub mod dnf;
mod document;
pub mod dpkg_list;
pub mod dpkg_log;
pub mod dpkg_status;
pub mod facts;
mod import;
pub mod language;
pub mod needrestart;
pub mod os_release;
pub mod package_list;
pub mod purl;
pub mod rpm_list;
pub mod rpm_repositories;
mod sbom;
pub mod spdx;
mod text;

pub use detect::{DocumentKind, detect};
pub use document::{HostDocError, SOURCES_UNSEEN, format_of, nothing_installed, read_document};
pub use import::{import_dir, unread};
pub use rpm_list::QUERY_FORMAT as RPM_QUERY_FORMAT;
pub use sbom::Bill;
pub use text::{DOCUMENT_BYTES_MAX, FIELD_BYTES_MAX, HISTORY_MAX, PACKAGES_MAX, PROBLEMS_MAX};
