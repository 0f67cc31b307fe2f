//! Who may do what: roles, scopes and the single question [`may`].
//!
//! A permission has three parts: the role (what kind of work), the scope (which environments), and for API tokens the token's
//! own scopes. A token never exceeds its owner. The whole table is `access.snap` beside this file; a change of rules shows
//! there as a difference that a reviewer reads.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{TokenId, UserId};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of the permission table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in documents, URLs and the database.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Reads the word.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// What kind of work a person does. Roles are not a ladder: an approver does not operate, an operator sets no policy
    /// (separation of duties, PCI DSS 6.5.4). Only the administrator of a small installation holds everything.
    Role {
        /// Reads.
        Viewer = "viewer",
        /// Runs hosts: enrols, imports, classifies.
        Operator = "operator",
        /// Owns vulnerability data and policy, reads the audit trail.
        SecurityOfficer = "security_officer",
        /// Reads, and approves what others prepared.
        Approver = "approver",
        /// Sets the installation up: accounts, tokens, settings, and everything else.
        Admin = "admin",
    }
}

words! {
    /// Something that can be done.
    Action {
        /// See hosts and their facts.
        ViewHosts = "host.view",
        /// See findings, patches and what to do first.
        ViewFindings = "finding.view",
        /// Take in a host by its agent.
        EnrolHost = "host.enrol",
        /// Take in facts that were collected without an agent.
        ImportHost = "host.import",
        /// Change a host's classification.
        EditHost = "host.edit",
        /// Forget a host and its history.
        DeleteHost = "host.delete",
        /// See exceptions and what was said to be not affected.
        ViewExceptions = "exception.view",
        /// Ask for an exception.
        RequestException = "exception.request",
        /// Approve or refuse an exception: an account of the installation does, never the command line by itself.
        DecideException = "exception.decide",
        /// End an exception before its last day.
        RevokeException = "exception.revoke",
        /// Say that findings are not affected, and take it back.
        StateNotAffected = "vex.state",
        /// See advisories and where they come from.
        ViewAdvisories = "advisory.view",
        /// See feeds, their state and problems.
        ViewFeeds = "feed.view",
        /// Fetch a feed now.
        SyncFeeds = "feed.sync",
        /// Change where a feed comes from, or accept a feed that shrank.
        EditFeeds = "feed.edit",
        /// See policy documents.
        ViewPolicy = "policy.view",
        /// Try a policy without applying it.
        SimulatePolicy = "policy.simulate",
        /// Make a policy the one in force.
        ApplyPolicy = "policy.apply",
        /// See where software comes from and how it was assessed.
        ViewSources = "source.view",
        /// Assess a source.
        AssessSource = "source.assess",
        /// Read the audit trail.
        ViewAudit = "audit.view",
        /// Check the audit chain and take anchors.
        VerifyAudit = "audit.verify",
        /// Change one's own password; end one's own sessions.
        EditOwnAccount = "account.edit_own",
        /// Make and revoke tokens for oneself.
        ManageOwnTokens = "token.manage_own",
        /// Create, change and disable accounts.
        ManageUsers = "user.manage",
        /// See and revoke everybody's tokens.
        ManageTokens = "token.manage",
        /// Change settings of the installation.
        EditSettings = "setting.edit",
        /// Run the installation's own checks and see its state.
        ViewSystem = "system.view",
    }
}

words! {
    /// What an API token was made for.
    TokenScope {
        /// Read what the owner may read of hosts, findings, vulnerability data, sources, exceptions and policy.
        Read = "read",
        /// Enrol, import and classify hosts.
        InventoryWrite = "inventory:write",
        /// Fetch and change feeds.
        FeedsWrite = "feeds:write",
        /// Simulate and apply policy.
        PolicyWrite = "policy:write",
        /// Ask for exceptions and decide about them, say what is not affected.
        ExceptionsWrite = "exceptions:write",
        /// Everything the owner may do.
        Admin = "admin",
    }
}

/// Which environments a grant covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "environments", deny_unknown_fields)]
pub enum Scope {
    /// All of them, those of tomorrow included, and hosts that nobody has put into one.
    All,
    /// These only. A host without an environment is in none of them.
    Environments(BTreeSet<String>),
}

impl Scope {
    /// A scope of the named environments.
    #[must_use]
    pub fn environments<I: IntoIterator<Item = S>, S: Into<String>>(names: I) -> Self {
        Self::Environments(names.into_iter().map(Into::into).collect())
    }

    /// Whether an environment is inside. The empty name stands for "nobody has said" and is inside [`Scope::All`] only.
    #[must_use]
    pub fn covers(&self, environment: &str) -> bool {
        match self {
            Self::All => true,
            Self::Environments(names) => !environment.is_empty() && names.contains(environment),
        }
    }

    /// What both scopes cover.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, scope) | (scope, Self::All) => scope.clone(),
            (Self::Environments(a), Self::Environments(b)) => Self::Environments(a.intersection(b).cloned().collect()),
        }
    }
}

/// Whether an account is in use. A disabled owner's tokens and sessions stop at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// In use.
    Active,
    /// Left or locked.
    Disabled,
}

/// A person as the account says now, not as it said at sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Account.
    pub id: UserId,
    /// Name.
    pub name: String,
    /// Kind of work.
    pub role: Role,
    /// Where.
    pub scope: Scope,
    /// In use or not.
    pub standing: Standing,
}

/// A part of the server that acts without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SystemPart {
    /// Fetches feeds by the clock.
    FeedReconciler,
    /// Takes in what enrolled agents send.
    AgentIntake,
    /// The first start, which sets the installation up.
    FirstStart,
    /// Notes that exceptions ended by themselves.
    ExceptionClock,
}

impl SystemPart {
    /// Every part.
    pub const ALL: &'static [Self] = &[Self::FeedReconciler, Self::AgentIntake, Self::FirstStart, Self::ExceptionClock];

    /// The word in the audit trail.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::FeedReconciler => "feed_reconciler",
            Self::AgentIntake => "agent_intake",
            Self::FirstStart => "first_start",
            Self::ExceptionClock => "exception_clock",
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who signed in.
    User(Person),
    /// A program with a token of somebody.
    Token {
        /// The token.
        id: TokenId,
        /// Whose it is.
        owner: Person,
        /// What it was made for.
        scopes: BTreeSet<TokenScope>,
        /// Where it may be used, never beyond its owner's scope.
        environments: Scope,
    },
    /// The command line on the machine that holds the data folder: whoever can write the database needs no permission from us.
    Local {
        /// Name of the operating-system account.
        account: String,
    },
    /// The server itself.
    System(SystemPart),
}

impl Actor {
    /// The word in the audit trail: `usr_…`, `tok_…`, `local:NAME`, `system:PART`.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::User(person) => person.id.to_string(),
            Self::Token { id, .. } => id.to_string(),
            Self::Local { account } => format!("local:{account}"),
            Self::System(part) => format!("system:{}", part.word()),
        }
    }

    /// The environments whose hosts this actor may know of: every list is cut to it.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::User(person) => person.scope.clone(),
            Self::Token { owner, environments, .. } => owner.scope.intersect(environments),
            Self::Local { .. } | Self::System(_) => Scope::All,
        }
    }
}

/// On what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// The installation as a whole.
    Installation,
    /// A host or anything else inside one environment; empty when nobody has said which.
    Environment(&'a str),
    /// A list that the caller cuts to [`Actor::scope`] itself.
    OwnScope,
    /// An account, or the tokens and sessions of it.
    Account(&'a UserId),
}

/// How far an action reaches, which decides what the scope has to cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Concerns hosts of one environment.
    Environment,
    /// The same for everybody and reveals no host.
    Shared,
    /// Concerns everybody: the scope must be all environments.
    Installation,
    /// One's own account.
    Own,
}

impl Action {
    fn reach(self) -> Reach {
        match self {
            Self::ViewHosts
            | Self::ViewFindings
            | Self::EnrolHost
            | Self::ImportHost
            | Self::EditHost
            | Self::DeleteHost
            | Self::ViewExceptions
            | Self::RequestException
            | Self::DecideException
            | Self::RevokeException
            | Self::StateNotAffected
            | Self::ViewSources => Reach::Environment,
            Self::ViewAdvisories | Self::ViewFeeds | Self::ViewPolicy => Reach::Shared,
            // A simulation counts hosts of every environment, so it reveals them.
            Self::SimulatePolicy
            | Self::SyncFeeds
            | Self::EditFeeds
            | Self::ApplyPolicy
            | Self::AssessSource
            | Self::ViewAudit
            | Self::VerifyAudit
            | Self::ManageUsers
            | Self::ManageTokens
            | Self::EditSettings
            | Self::ViewSystem => Reach::Installation,
            Self::EditOwnAccount | Self::ManageOwnTokens => Reach::Own,
        }
    }

    /// Whether only an account of the installation does it. Approvals are by somebody else than who asked: to that rule, an account of
    /// the operating system would be a second person behind the same keyboard.
    #[must_use]
    pub fn needs_account(self) -> bool {
        self == Self::DecideException
    }

    /// The narrowest token scope that allows this; [`TokenScope::Admin`] always does.
    #[must_use]
    pub fn token_scope(self) -> TokenScope {
        match self {
            Self::ViewHosts
            | Self::ViewFindings
            | Self::ViewAdvisories
            | Self::ViewFeeds
            | Self::ViewPolicy
            | Self::ViewExceptions
            | Self::ViewSources => TokenScope::Read,
            Self::RequestException | Self::DecideException | Self::RevokeException | Self::StateNotAffected => {
                TokenScope::ExceptionsWrite
            }
            Self::EnrolHost | Self::ImportHost | Self::EditHost | Self::DeleteHost => TokenScope::InventoryWrite,
            Self::SyncFeeds | Self::EditFeeds => TokenScope::FeedsWrite,
            Self::SimulatePolicy | Self::ApplyPolicy | Self::AssessSource => TokenScope::PolicyWrite,
            Self::ViewAudit
            | Self::VerifyAudit
            | Self::EditOwnAccount
            | Self::ManageOwnTokens
            | Self::ManageUsers
            | Self::ManageTokens
            | Self::EditSettings
            | Self::ViewSystem => TokenScope::Admin,
        }
    }
}

impl Role {
    /// Whether the role does this kind of work at all, wherever.
    #[must_use]
    pub fn does(self, action: Action) -> bool {
        match action {
            Action::ViewHosts
            | Action::ViewFindings
            | Action::ViewAdvisories
            | Action::ViewFeeds
            | Action::ViewPolicy
            | Action::ViewExceptions
            | Action::ViewSources
            | Action::EditOwnAccount
            | Action::ManageOwnTokens => true,
            Action::EnrolHost | Action::ImportHost | Action::EditHost | Action::DeleteHost => match self {
                Self::Operator | Self::Admin => true,
                Self::Viewer | Self::SecurityOfficer | Self::Approver => false,
            },
            Action::SyncFeeds | Action::SimulatePolicy | Action::ViewSystem => match self {
                Self::Operator | Self::SecurityOfficer | Self::Admin => true,
                Self::Viewer | Self::Approver => false,
            },
            Action::RequestException => match self {
                Self::Operator | Self::SecurityOfficer | Self::Admin => true,
                Self::Viewer | Self::Approver => false,
            },
            // The operator asks and does not decide.
            Action::DecideException | Action::RevokeException => match self {
                Self::SecurityOfficer | Self::Approver | Self::Admin => true,
                Self::Viewer | Self::Operator => false,
            },
            Action::EditFeeds | Action::ApplyPolicy | Action::AssessSource | Action::StateNotAffected => match self {
                Self::SecurityOfficer | Self::Admin => true,
                Self::Viewer | Self::Operator | Self::Approver => false,
            },
            Action::ViewAudit | Action::VerifyAudit => match self {
                Self::SecurityOfficer | Self::Approver | Self::Admin => true,
                Self::Viewer | Self::Operator => false,
            },
            Action::ManageUsers | Action::ManageTokens | Action::EditSettings => match self {
                Self::Admin => true,
                Self::Viewer | Self::Operator | Self::SecurityOfficer | Self::Approver => false,
            },
        }
    }
}

impl SystemPart {
    fn does(self, action: Action) -> bool {
        match self {
            Self::FeedReconciler => action == Action::SyncFeeds,
            Self::AgentIntake => action == Action::EnrolHost || action == Action::ImportHost,
            Self::ExceptionClock => action == Action::DecideException,
            Self::FirstStart => match action {
                Action::ImportHost
                | Action::SyncFeeds
                | Action::ApplyPolicy
                | Action::ManageUsers
                | Action::EditSettings => true,
                Action::ViewHosts
                | Action::ViewFindings
                | Action::EnrolHost
                | Action::EditHost
                | Action::DeleteHost
                | Action::ViewExceptions
                | Action::RequestException
                | Action::DecideException
                | Action::RevokeException
                | Action::StateNotAffected
                | Action::ViewAdvisories
                | Action::ViewFeeds
                | Action::EditFeeds
                | Action::ViewPolicy
                | Action::SimulatePolicy
                | Action::ViewSources
                | Action::AssessSource
                | Action::ViewAudit
                | Action::VerifyAudit
                | Action::EditOwnAccount
                | Action::ManageOwnTokens
                | Action::ManageTokens
                | Action::ViewSystem => false,
            },
        }
    }
}

/// One reason of a [`Decision`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The role does this.
    RoleDoes(Role, Action),
    /// The role does not do this.
    RoleDoesNot(Role, Action),
    /// The account is disabled.
    Disabled,
    /// The environment is outside the scope; empty when nobody has said which environment it is.
    OutsideScope(String),
    /// The change would leave the host in no environment.
    WouldHaveNone,
    /// The action concerns everybody, the scope does not.
    NeedsWholeScope(Action),
    /// The token was not made for this.
    TokenLacks(TokenScope),
    /// Somebody else's account.
    NotOwn,
    /// The account of nobody: only a person has one.
    NoAccount,
    /// The command line acts for an account of the operating system, and this needs one of the installation.
    NeedsAccount(Action),
    /// Local access to the data folder.
    LocalAccess,
    /// The part of the server is made for this.
    SystemPartDoes(SystemPart, Action),
    /// The part of the server has no business with this.
    SystemPartDoesNot(SystemPart, Action),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoleDoes(role, action) => write!(f, "role `{role}` may `{action}`"),
            Self::RoleDoesNot(role, action) => write!(f, "role `{role}` may not `{action}`"),
            Self::Disabled => f.write_str("the account is disabled"),
            Self::OutsideScope(name) if name.is_empty() => {
                f.write_str("the host has no environment yet, which only somebody with all environments may act on")
            }
            Self::WouldHaveNone => f.write_str(
                "the change names no environment, and only somebody with all environments may take a host out of its own: name it in the change",
            ),
            Self::OutsideScope(name) => write!(f, "environment `{name}` is outside your scope"),
            Self::NeedsWholeScope(action) => write!(f, "`{action}` concerns every environment, your scope does not"),
            Self::TokenLacks(scope) => write!(f, "the token does not have scope `{scope}`"),
            Self::NotOwn => f.write_str("this is somebody else's account"),
            Self::NoAccount => f.write_str("only a person has an account of their own"),
            Self::NeedsAccount(action) => {
                write!(f, "`{action}` needs an account of this installation, the command line by itself is none")
            }
            Self::LocalAccess => f.write_str("local access to the data folder"),
            Self::SystemPartDoes(part, action) => write!(f, "server part `{}` may `{action}`", part.word()),
            Self::SystemPartDoesNot(part, action) => write!(f, "server part `{}` may not `{action}`", part.word()),
        }
    }
}

/// The answer, with every reason that decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Yes or no.
    pub allowed: bool,
    /// When refused: everything that stands against it. When allowed: what allows it.
    pub because: Vec<Reason>,
}

impl Decision {
    fn yes(reason: Reason) -> Self {
        Self { allowed: true, because: vec![reason] }
    }

    fn no(because: Vec<Reason>) -> Self {
        Self { allowed: false, because }
    }

    /// The reasons as one line.
    #[must_use]
    pub fn why(&self) -> String {
        let words: Vec<String> = self.because.iter().map(ToString::to_string).collect();
        words.join("; ")
    }
}

/// Whether `actor` may do `action` to `target`. Same inputs, same answer; the reasons are complete.
#[must_use]
pub fn may(actor: &Actor, action: Action, target: &Target<'_>) -> Decision {
    match actor {
        Actor::User(person) => decide(person, action, target, &person.scope, None),
        Actor::Token { owner, scopes, environments, .. } => {
            decide(owner, action, target, &owner.scope.intersect(environments), Some(scopes))
        }
        Actor::Local { .. } if action.needs_account() => Decision::no(vec![Reason::NeedsAccount(action)]),
        Actor::Local { .. } => match action.reach() {
            Reach::Own => Decision::no(vec![Reason::NoAccount]),
            Reach::Environment | Reach::Shared | Reach::Installation => Decision::yes(Reason::LocalAccess),
        },
        Actor::System(part) if part.does(action) => Decision::yes(Reason::SystemPartDoes(*part, action)),
        Actor::System(part) => Decision::no(vec![Reason::SystemPartDoesNot(*part, action)]),
    }
}

/// Whether `actor` may change a field that bears scope: needs the right on both sides, or nobody could stop a host from being
/// moved out of sight, or into an environment whose approvals are weaker.
#[must_use]
pub fn may_move(actor: &Actor, action: Action, from: &str, to: &str) -> Decision {
    let leave = may(actor, action, &Target::Environment(from));
    let mut enter = may(actor, action, &Target::Environment(to));
    if !from.is_empty() && to.is_empty() {
        // The host has one; it is the change that has none.
        for reason in &mut enter.because {
            if matches!(reason, Reason::OutsideScope(_)) {
                *reason = Reason::WouldHaveNone;
            }
        }
    }
    match (leave.allowed, enter.allowed) {
        (true, _) => enter,
        (false, true) => leave,
        (false, false) => {
            let mut because = leave.because;
            for reason in enter.because {
                if !because.contains(&reason) {
                    because.push(reason);
                }
            }
            Decision::no(because)
        }
    }
}

fn decide(
    person: &Person,
    action: Action,
    target: &Target<'_>,
    scope: &Scope,
    token: Option<&BTreeSet<TokenScope>>,
) -> Decision {
    let mut against = Vec::new();
    if person.standing == Standing::Disabled {
        against.push(Reason::Disabled);
    }
    if !person.role.does(action) {
        against.push(Reason::RoleDoesNot(person.role, action));
    }
    if let Some(scopes) = token {
        let needed = action.token_scope();
        if !scopes.contains(&needed) && !scopes.contains(&TokenScope::Admin) {
            against.push(Reason::TokenLacks(needed));
        }
    }
    match action.reach() {
        Reach::Shared => {}
        Reach::Environment => match target {
            Target::Environment(name) if !scope.covers(name) => against.push(Reason::OutsideScope((*name).to_owned())),
            Target::Environment(_) | Target::OwnScope => {}
            // Not cut to an environment: counts as all of them.
            Target::Installation | Target::Account(_) => need_all(scope, action, &mut against),
        },
        Reach::Installation => need_all(scope, action, &mut against),
        Reach::Own => match target {
            Target::Account(id) if **id == person.id => {}
            Target::Account(_) | Target::Installation | Target::Environment(_) | Target::OwnScope => {
                against.push(Reason::NotOwn)
            }
        },
    }
    if against.is_empty() { Decision::yes(Reason::RoleDoes(person.role, action)) } else { Decision::no(against) }
}

fn need_all(scope: &Scope, action: Action, against: &mut Vec<Reason>) {
    match scope {
        Scope::All => {}
        Scope::Environments(_) => against.push(Reason::NeedsWholeScope(action)),
    }
}

#[cfg(test)]
mod tests;
