//! Tests of the access rules; the permission table of `access.snap` is made and checked here.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn person(role: Role, scope: Scope) -> Person {
    Person { id: UserId::from_unique("1"), name: "ana".to_owned(), role, scope, standing: Standing::Active }
}

fn token(role: Role, scope: Scope, scopes: &[TokenScope], environments: Scope) -> Actor {
    Actor::Token {
        id: TokenId::from_unique("1"),
        owner: person(role, scope),
        scopes: scopes.iter().copied().collect(),
        environments,
    }
}

/// The target that an action normally has, inside `environment`.
fn usual<'a>(action: Action, environment: &'a str, own: &'a UserId) -> Target<'a> {
    match action.reach() {
        Reach::Environment => Target::Environment(environment),
        Reach::Shared | Reach::Installation => Target::Installation,
        Reach::Own => Target::Account(own),
    }
}

fn mark(decision: &Decision) -> &'static str {
    if decision.allowed { "yes" } else { "-" }
}

fn table() -> String {
    let own = UserId::from_unique("1");
    let mut out = String::from(
        "# The whole permission table. Made by the test `the_permission_table_is_the_reviewed_one`;\n# after a wanted change: UPDATE_GOLDEN=1 cargo test -p patchwright-domain access\n",
    );
    let mut block = |title: &str, heads: &[&str], ask: &dyn Fn(Action, usize) -> Decision| {
        write!(out, "\n## {title}\n{:<18}", "").unwrap();
        for head in heads {
            write!(out, " {head:>16}").unwrap();
        }
        out.push('\n');
        for action in Action::ALL {
            write!(out, "{:<18}", action.word()).unwrap();
            for n in 0..heads.len() {
                write!(out, " {:>16}", mark(&ask(*action, n))).unwrap();
            }
            out.push('\n');
        }
    };
    let roles: Vec<&str> = Role::ALL.iter().map(|r| r.word()).collect();
    let scoped = Scope::environments(["staging"]);
    block("roles, all environments", &roles, &|action, n| {
        may(&Actor::User(person(Role::ALL[n], Scope::All)), action, &usual(action, "staging", &own))
    });
    block("roles, scope staging, on staging", &roles, &|action, n| {
        may(&Actor::User(person(Role::ALL[n], scoped.clone())), action, &usual(action, "staging", &own))
    });
    block("roles, scope staging, on production", &roles, &|action, n| {
        may(&Actor::User(person(Role::ALL[n], scoped.clone())), action, &usual(action, "production", &own))
    });
    block("roles, scope staging, on a host without environment", &roles, &|action, n| {
        may(&Actor::User(person(Role::ALL[n], scoped.clone())), action, &usual(action, "", &own))
    });
    let scopes: Vec<&str> = TokenScope::ALL.iter().map(|s| s.word()).collect();
    block("tokens of an admin, all environments, by the token's one scope", &scopes, &|action, n| {
        let actor = token(Role::Admin, Scope::All, &[TokenScope::ALL[n]], Scope::All);
        may(&actor, action, &usual(action, "staging", &own))
    });
    block("tokens of a viewer, all environments, by the token's one scope", &scopes, &|action, n| {
        let actor = token(Role::Viewer, Scope::All, &[TokenScope::ALL[n]], Scope::All);
        may(&actor, action, &usual(action, "staging", &own))
    });
    let parts: Vec<&str> = SystemPart::ALL.iter().map(|p| p.word()).collect();
    block("parts of the server", &parts, &|action, n| {
        may(&Actor::System(SystemPart::ALL[n]), action, &usual(action, "staging", &own))
    });
    block("command line on the server", &["local"], &|action, _| {
        let actor = Actor::Local { account: "root".to_owned() };
        may(&actor, action, &usual(action, "staging", &own))
    });
    out
}

#[test]
fn the_permission_table_is_the_reviewed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/access.snap");
    let made = table();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(kept == made, "permissions changed; read the difference, then run with UPDATE_GOLDEN=1\n{made}");
}

#[test]
fn refusals_name_everything_that_stands_against_it() {
    let actor = token(Role::Viewer, Scope::environments(["test"]), &[TokenScope::Read], Scope::All);
    let decision = may(&actor, Action::ImportHost, &Target::Environment("production"));
    assert_eq!(
        decision.because,
        vec![
            Reason::RoleDoesNot(Role::Viewer, Action::ImportHost),
            Reason::TokenLacks(TokenScope::InventoryWrite),
            Reason::OutsideScope("production".to_owned()),
        ]
    );
    assert_eq!(
        decision.why(),
        "role `viewer` may not `host.import`; the token does not have scope `inventory:write`; environment `production` is outside your scope"
    );
}

#[test]
fn a_disabled_owner_stops_session_and_token() {
    let mut gone = person(Role::Admin, Scope::All);
    gone.standing = Standing::Disabled;
    let as_user = Actor::User(gone.clone());
    let as_token = Actor::Token {
        id: TokenId::from_unique("1"),
        owner: gone,
        scopes: TokenScope::ALL.iter().copied().collect(),
        environments: Scope::All,
    };
    for actor in [as_user, as_token] {
        for action in Action::ALL {
            let own = UserId::from_unique("1");
            let decision = may(&actor, *action, &usual(*action, "staging", &own));
            assert_eq!(decision.because, vec![Reason::Disabled], "{action}");
        }
    }
}

#[test]
fn moving_a_host_needs_both_sides() {
    let both = Actor::User(person(Role::Operator, Scope::environments(["staging", "production"])));
    let one = Actor::User(person(Role::Operator, Scope::environments(["staging"])));
    assert!(may_move(&both, Action::EditHost, "staging", "production").allowed);
    for (from, to) in [("staging", "production"), ("production", "staging"), ("", "staging"), ("staging", "")] {
        assert!(!may_move(&one, Action::EditHost, from, to).allowed, "{from} to {to}");
    }
    assert_eq!(may_move(&one, Action::EditHost, "a", "b").because.len(), 2);
    assert_eq!(may_move(&one, Action::EditHost, "a", "a").because.len(), 1);
    // A change that names no environment is not answered as if the host had none.
    assert_eq!(may_move(&one, Action::EditHost, "staging", "").because, vec![Reason::WouldHaveNone]);
    assert_eq!(may_move(&one, Action::EditHost, "", "staging").because, vec![Reason::OutsideScope(String::new())]);
}

#[test]
fn own_means_own() {
    let ana = Actor::User(person(Role::Admin, Scope::All));
    let other = UserId::from_unique("2");
    assert_eq!(may(&ana, Action::ManageOwnTokens, &Target::Account(&other)).because, vec![Reason::NotOwn]);
    assert_eq!(may(&ana, Action::ManageOwnTokens, &Target::Installation).because, vec![Reason::NotOwn]);
    assert!(may(&ana, Action::ManageTokens, &Target::Account(&other)).allowed);
}

#[test]
fn words_read_back() {
    for role in Role::ALL {
        assert_eq!(Role::parse(role.word()), Some(*role));
        assert_eq!(serde_json::to_string(role).unwrap(), format!("\"{role}\""));
    }
    for action in Action::ALL {
        assert_eq!(Action::parse(action.word()), Some(*action));
    }
    for scope in TokenScope::ALL {
        assert_eq!(TokenScope::parse(scope.word()), Some(*scope));
    }
    assert_eq!(Role::parse("root"), None);
    for scope in [Scope::All, Scope::environments(["a", "b"])] {
        let text = serde_json::to_string(&scope).unwrap();
        assert_eq!(serde_json::from_str::<Scope>(&text).unwrap(), scope, "{text}");
    }
}

fn any_scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        Just(Scope::All),
        prop::collection::btree_set(prop::sample::select(vec!["a", "b", "c"]), 0..3).prop_map(Scope::environments),
    ]
}

proptest! {
    /// No token can do what its owner cannot, whatever it was made for.
    #[test]
    fn a_token_never_exceeds_its_owner(
        role in prop::sample::select(Role::ALL), action in prop::sample::select(Action::ALL), scope in any_scope(), narrowed in any_scope(),
        scopes in prop::collection::btree_set(prop::sample::select(TokenScope::ALL), 0..5), environment in prop::sample::select(vec!["a", "b", "c", ""]),
    ) {
        let owner = person(role, scope);
        let own = owner.id.clone();
        let actor = Actor::Token { id: TokenId::from_unique("1"), owner: owner.clone(), scopes, environments: narrowed.clone() };
        let user = Actor::User(owner);
        for target in [Target::Installation, Target::Environment(environment), Target::OwnScope, Target::Account(&own)] {
            let by_token = may(&actor, action, &target);
            let by_owner = may(&user, action, &target);
            prop_assert!(!by_token.allowed || by_owner.allowed);
            prop_assert!(!by_token.because.is_empty());
            if by_token.allowed && action.reach() == Reach::Environment && target == Target::Environment(environment) {
                prop_assert!(narrowed.covers(environment));
            }
        }
        if actor.scope().covers(environment) {
            prop_assert!(user.scope().covers(environment) && narrowed.covers(environment));
        }
    }
}
