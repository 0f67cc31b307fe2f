//! Decisions about findings: asked for, decided by somebody else, in force in reports and index alike, and over by themselves.

use patchwright_app::decisions::{
    By, ENDING, ending, exception_decide, exception_list, exception_renew, exception_request, exception_show,
    exceptions_expire, not_affected_list, not_affected_show, not_affected_state, not_affected_withdraw, plan,
};
use patchwright_app::hosts::{find_host, host_report};
use patchwright_app::vex::{Export, export};
use patchwright_app::{AppError, Ctx, Env, fleet, policy};
use patchwright_domain::access::{Actor, Person, Role, Scope, Standing, SystemPart};
use patchwright_domain::decision::profile::{AssetProfile, Exposure, Tier};
use patchwright_domain::ids::UserId;
use patchwright_domain::inventory::{Transaction, TransactionStep};
use patchwright_domain::time::Timestamp;
use patchwright_protocol::decisions::{
    ExceptionDecision, ExceptionDetail, ExceptionRequest, NotAffectedDetail, NotAffectedRequest, RenewRequest,
};
use patchwright_store::NewUser;

use crate::findings::{agrees, ask, by_name, classify, env, host, local};

pub(crate) fn person(name: &str, role: Role, scope: Scope) -> Ctx {
    let id = UserId::from_unique(name);
    let person = Person { id, name: name.to_owned(), role, scope, standing: Standing::Active };
    Ctx { actor: Actor::User(person), ..local() }
}

pub(crate) fn ann() -> Ctx {
    person("ann", Role::Operator, Scope::All)
}

pub(crate) fn bob() -> Ctx {
    person("bob", Role::Approver, Scope::All)
}

pub(crate) fn sara() -> Ctx {
    person("sara", Role::SecurityOfficer, Scope::All)
}

pub(crate) async fn account(env: &Env, name: &str, role: Role) {
    let mut txn = env.db().write().await.unwrap();
    let new = NewUser {
        id: UserId::from_unique(name),
        name: name.to_owned(),
        password_hash: None,
        role,
        scope: Scope::All,
        created: env.now(),
    };
    txn.user_insert(&new).await.unwrap();
    txn.commit().await.unwrap();
}

fn profile(tier: Tier, environment: &str) -> AssetProfile {
    AssetProfile { tier, environment: environment.to_owned(), exposure: Exposure::Isolated, ..AssetProfile::default() }
}

/// Two hosts in production and one for tests, all with an old openssl and an old curl.
pub(crate) async fn installation(dir: &std::path::Path) -> Env {
    let env = env(dir, 0).await;
    for (name, environment) in [("web-01", "production"), ("web-02", "production"), ("db-01", "test")] {
        host_report(&env, &local(), host(name, "3.0.9-1", "7.88.1-10")).await.unwrap();
        classify(&env, name, profile(Tier::T1, environment)).await;
    }
    account(&env, "ann", Role::Operator).await;
    account(&env, "bob", Role::Approver).await;
    account(&env, "sara", Role::SecurityOfficer).await;
    env
}

pub(crate) fn wish(q: &str, until: &str) -> ExceptionRequest {
    ExceptionRequest {
        q: Some(q.to_owned()),
        reason: "the vendor certifies it in spring".to_owned(),
        measure: Some("only the proxy reaches it".to_owned()),
        until: Some(until.to_owned()),
        ..ExceptionRequest::default()
    }
}

pub(crate) async fn decide(env: &Env, ctx: &Ctx, id: &str, decision: &str) -> Result<ExceptionDetail, AppError> {
    let wish = ExceptionDecision { decision: decision.to_owned(), reason: "looked at it".to_owned() };
    exception_decide(env, ctx, id, &wish, None).await
}

pub(crate) async fn count(env: &Env, q: &str) -> u64 {
    ask(env, &local(), q, "patch").await.findings
}

pub(crate) async fn audited(env: &Env) -> Vec<String> {
    let rows = patchwright_app::audit::list(env, &local(), 0, 50).await.unwrap();
    rows.into_iter().map(|r| format!("{} {}", r.actor, r.text)).collect()
}

fn why(result: Result<ExceptionDetail, AppError>) -> String {
    match result {
        Err(AppError::Invalid { detail, .. }) => detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_exception_is_asked_for_approved_by_another_and_ends_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let first = installation(dir.path()).await;
    let q = "source:openssl and host:web-*";
    let counted = plan(&first, &ann(), q, By::Package).await.unwrap();
    assert_eq!((counted.hosts, counted.packages), (2, 1));
    assert!(counted.findings > 5 && counted.findings == count(&first, q).await, "{counted:?}");
    let all = count(&first, "").await;

    // Who may not ask, and what stands against it.
    for role in [Role::Viewer, Role::Approver] {
        let refused = exception_request(&first, &person("eve", role, Scope::All), &wish(q, &counted.latest)).await;
        assert!(matches!(refused, Err(AppError::Forbidden { .. })), "{role}: {refused:?}");
    }
    let far = exception_request(&first, &ann(), &wish(q, "2029-01-01")).await;
    assert!(why(far).contains(&format!("{} at most", counted.latest)));
    assert!(why(exception_request(&first, &ann(), &wish("", &counted.latest)).await).contains("is of the findings"));
    assert!(
        why(exception_request(&first, &ann(), &wish("cve:CVE-1999-0001", &counted.latest)).await).contains("no open")
    );
    let nothing = exception_request(&first, &ann(), &wish("cve:CVE-1999-0001", &counted.latest)).await;
    assert!(
        matches!(&nothing, Err(AppError::Invalid { hint: Some(hint), .. }) if hint.contains("patchwright findings query")),
        "{nothing:?}"
    );
    let stale = ExceptionRequest { digest: Some("00".repeat(32)), ..wish(q, &counted.latest) };
    assert!(matches!(exception_request(&first, &ann(), &stale).await, Err(AppError::Conflict { .. })));
    let empty = plan(&first, &ann(), "  ", By::Package).await;
    assert!(matches!(empty, Err(AppError::Invalid { code: "query", .. })), "{empty:?}");

    // Asked for, and nothing is held back yet.
    let asked = ExceptionRequest { digest: Some(counted.digest.clone()), ..wish(q, &counted.latest) };
    let made = exception_request(&first, &ann(), &asked).await.unwrap();
    let id = made.row.id.as_str();
    assert_eq!((made.row.state.as_str(), made.row.findings, made.row.hosts), ("requested", counted.findings, 2));
    assert_eq!(count(&first, "is:excepted").await, 0);

    // Operators do not decide; whoever asked does not approve, whatever their role has become.
    assert!(matches!(decide(&first, &ann(), id, "approve").await, Err(AppError::Forbidden { .. })));
    let promoted = person("ann", Role::Admin, Scope::All);
    assert!(why(decide(&first, &promoted, id, "approve").await).contains("four eyes"));
    let blind = ExceptionDecision { decision: "approve".to_owned(), reason: "x".to_owned() };
    let late = exception_decide(&first, &bob(), id, &blind, Some(7)).await;
    assert!(matches!(late, Err(AppError::Conflict { .. })), "{late:?}");
    let held = decide(&first, &bob(), id, "approve").await.unwrap();
    assert_eq!((held.row.state.as_str(), held.row.alone), ("approved", false));
    assert!(why(decide(&first, &bob(), id, "approve").await).contains("it is approved and cannot be approved"));

    // In force: still counted, shown apart, in the index as in the reports.
    assert_eq!(count(&first, "is:excepted").await, counted.findings);
    assert_eq!(count(&first, "").await, all, "excepted findings stay counted");
    agrees(&first).await;
    let host_id = find_host(&first, &local(), "web-01").await.unwrap().id;
    let report = fleet::host_detail(&first, &local(), &host_id).await.unwrap().report;
    let openssl: Vec<_> = report.findings.iter().filter(|f| f.package == "openssl").collect();
    assert!(!openssl.is_empty());
    for f in &openssl {
        let excepted = f.excepted.as_ref().unwrap();
        assert!(
            excepted
                .because
                .contains("because the vendor certifies it in spring, approved by bob; meanwhile: only the proxy"),
            "{}",
            excepted.because
        );
        assert_eq!(excepted.until, counted.latest);
    }
    assert!(report.findings.iter().all(|f| f.package == "openssl" || f.excepted.is_none()), "curl is not in it");

    // A host that comes later is not in it.
    host_report(&first, &local(), host("web-03", "3.0.9-1", "7.88.1-10")).await.unwrap();
    classify(&first, "web-03", profile(Tier::T1, "production")).await;
    let groups = by_name(&ask(&first, &local(), "is:excepted", "host").await);
    assert_eq!(groups.keys().collect::<Vec<_>>(), ["web-01", "web-02"]);

    // Days later the others are overdue, these are not, in another process too.
    let until = Timestamp::parse(&made.row.ends).unwrap();
    let days = (until.0 - first.now().0) / 86_400_000;
    let later = env(dir.path(), days).await;
    let (_, overdue) = agrees(&later).await;
    assert!(overdue > 0 && count(&later, "is:overdue and is:excepted").await == 0, "{overdue}");
    let stats = fleet::findings_stats(&later, &local()).await.unwrap();
    let sum = |of: &dyn Fn(&patchwright_protocol::findings::TierStats) -> u64| stats.tiers.iter().map(of).sum::<u64>();
    assert_eq!(sum(&|t| t.excepted), counted.findings);
    assert_eq!(sum(&|t| t.open) + counted.findings, count(&later, "").await, "{stats:?}");

    // After its last day they count again, as old as they are.
    let after = env(dir.path(), days + 1).await;
    assert_eq!(count(&after, "is:excepted").await, 0);
    assert!(count(&after, "is:overdue and source:openssl and host:web-01").await > 0, "its clock went on");
    agrees(&after).await;
    let row = &exception_list(&after, &local(), None).await.unwrap()[0];
    assert_eq!((row.state.as_str(), row.approved_by.as_deref()), ("expired", Some("bob")));
    let clock = Ctx { actor: Actor::System(SystemPart::ExceptionClock), ..local() };
    assert_eq!(exceptions_expire(&after, &clock).await.unwrap(), 1);
    assert_eq!(exceptions_expire(&after, &clock).await.unwrap(), 0, "noting it twice changes nothing");
    assert!(matches!(exceptions_expire(&after, &ann()).await, Err(AppError::Forbidden { .. })));
    let audit = audited(&after).await;
    for step in ["ann exception.request", "bob exception.approve", "system:exception_clock exception.expire"] {
        assert!(audit.iter().any(|line| line.starts_with(step)), "{step}: {audit:?}");
    }
}

#[tokio::test]
async fn an_exception_is_revoked_refused_and_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let env = installation(dir.path()).await;
    let latest = plan(&env, &ann(), "source:curl", By::Package).await.unwrap().latest;
    let ask_for = async |q: &str| exception_request(&env, &ann(), &wish(q, &latest)).await.unwrap().row.id;
    let (one, two, three) =
        (ask_for("source:curl").await, ask_for("source:curl and tier:T1").await, ask_for("host:db-01").await);
    let eve = person("eve", Role::Operator, Scope::All);
    assert!(matches!(decide(&env, &eve, &three, "revoke").await, Err(AppError::Forbidden { .. })));
    assert_eq!(decide(&env, &ann(), &three, "revoke").await.unwrap().row.state_label, "taken back");
    assert_eq!(decide(&env, &bob(), &two, "refuse").await.unwrap().row.state, "refused");
    assert!(why(decide(&env, &bob(), &two, "approve").await).contains("it is refused and cannot be approved"));
    decide(&env, &bob(), &one, "approve").await.unwrap();
    assert!(count(&env, "is:excepted").await > 0);
    assert!(matches!(decide(&env, &ann(), &one, "revoke").await, Err(AppError::Forbidden { .. })), "it is approved");
    decide(&env, &bob(), &one, "revoke").await.unwrap();
    assert_eq!(count(&env, "is:excepted").await, 0, "at once");
    agrees(&env).await;
    let states: Vec<String> =
        exception_list(&env, &local(), None).await.unwrap().into_iter().map(|r| r.state).collect();
    assert_eq!(states, ["revoked", "refused", "revoked"], "the latest first");
    assert_eq!(exception_list(&env, &local(), Some("refused")).await.unwrap().len(), 1);
    let unknown = exception_list(&env, &local(), Some("open")).await;
    assert!(matches!(unknown, Err(AppError::Invalid { code: "exception_state", .. })));
    assert!(matches!(
        decide(&env, &bob(), &one, "extend").await,
        Err(AppError::Invalid { code: "exception_decision", .. })
    ));
    assert!(matches!(exception_show(&env, &bob(), "exc_nobody").await, Err(AppError::NotFound { .. })));
}

#[tokio::test]
async fn one_account_alone_may_approve_and_it_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let env = env(dir.path(), 0).await;
    patchwright_app::auth::first_start(&env).await.unwrap();
    host_report(&env, &local(), host("web-01", "3.0.9-1", "7.88.1-10")).await.unwrap();
    let latest = plan(&env, &local(), "source:curl", By::Package).await.unwrap().latest;
    let own = env.db().read().await.unwrap().user_by_name("admin").await.unwrap().unwrap();
    let admin = Ctx { actor: Actor::User(own.person()), ..local() };
    let made = exception_request(&env, &admin, &wish("source:curl", &latest)).await.unwrap();
    let held = decide(&env, &admin, &made.row.id, "approve").await.unwrap();
    assert!(held.row.alone);
    let id = find_host(&env, &local(), "web-01").await.unwrap().id;
    let report = fleet::host_detail(&env, &local(), &id).await.unwrap().report;
    let because = report.findings.iter().find_map(|f| f.excepted.as_ref()).unwrap().because.clone();
    assert!(because.contains("this installation has one account only"), "{because}");
}

/// Four eyes do not end at the command line: an account of the operating system is nobody to an approval.
#[tokio::test]
async fn the_command_line_asks_and_does_not_decide() {
    let dir = tempfile::tempdir().unwrap();
    let env = installation(dir.path()).await;
    let latest = plan(&env, &ann(), "source:curl", By::Package).await.unwrap().latest;
    let of_ann = exception_request(&env, &ann(), &wish("source:curl", &latest)).await.unwrap().row.id;
    let of_local = exception_request(&env, &local(), &wish("source:openssl", &latest)).await.unwrap().row.id;
    for id in [&of_ann, &of_local] {
        for decision in ["approve", "refuse"] {
            let refused = decide(&env, &local(), id, decision).await.unwrap_err();
            assert!(matches!(refused, AppError::Forbidden { needs_account: true, .. }), "{refused:?}");
            assert!(refused.hint().unwrap().contains("--token-file"), "{refused:?}");
        }
        assert_eq!(exception_show(&env, &local(), id).await.unwrap().row.state, "requested");
    }
    // An account is the second person to what the command line asked for; ending it is open to both.
    let held = decide(&env, &bob(), &of_local, "approve").await.unwrap();
    assert_eq!((held.row.state.as_str(), held.row.alone), ("approved", false));
    assert_eq!(decide(&env, &local(), &of_local, "revoke").await.unwrap().row.state, "revoked");
    let again = exception_request(&env, &local(), &wish("source:openssl", &latest)).await.unwrap().row.id;
    assert_eq!(decide(&env, &local(), &again, "revoke").await.unwrap().row.state_label, "taken back");
}

#[tokio::test]
async fn what_ends_soon_is_said_and_renewed_by_others() {
    let dir = tempfile::tempdir().unwrap();
    let first = installation(dir.path()).await;
    let latest = plan(&first, &ann(), "source:curl", By::Package).await.unwrap().latest;
    let near = exception_request(&first, &ann(), &wish("source:curl", "2026-11-30")).await.unwrap().row;
    assert_eq!((near.days_left, near.ends_soon), (Some(10), false), "it is not in force");
    decide(&first, &bob(), &near.id, "approve").await.unwrap();
    let review = NotAffectedRequest { review_by: "2026-12-01".to_owned(), ..not("source:openssl and host:db-01") };
    not_affected_state(&first, &sara(), &review).await.unwrap();
    let today = fleet::today(&first, &local()).await.unwrap();
    let kinds: Vec<(&str, i64)> = today.ending.iter().map(|e| (e.kind.as_str(), e.days_left)).collect();
    assert_eq!(kinds, [("exception", 10), ("statement", 11)]);
    let tests = person("kim", Role::Viewer, Scope::environments(["nowhere"]));
    assert!(ending(&first, &tests).await.unwrap().is_empty(), "nobody sees beyond their environments");

    let renew = |until: &str| RenewRequest { until: until.to_owned(), reason: "still".to_owned(), measure: None };
    let refused = exception_renew(&first, &person("vera", Role::Viewer, Scope::All), &near.id, &renew(&latest)).await;
    assert!(matches!(refused, Err(AppError::Forbidden { .. })));
    assert!(
        why(exception_renew(&first, &ann(), &near.id, &renew("2026-11-30")).await).contains("a renewal ends later")
    );
    let next = exception_renew(&first, &ann(), &near.id, &renew(&latest)).await.unwrap().row;
    assert_eq!(
        (next.state.as_str(), next.findings, next.renews.as_ref()),
        ("requested", near.findings, Some(&near.id))
    );
    assert!(why(exception_renew(&first, &ann(), &near.id, &renew(&latest)).await).contains("renewal already"));
    assert_eq!(ending(&first, &local()).await.unwrap()[0].renewal.as_ref(), Some(&next.id));
    assert!(
        why(decide(&first, &person("ann", Role::Admin, Scope::All), &next.id, "approve").await).contains("four eyes")
    );
    decide(&first, &bob(), &next.id, "approve").await.unwrap();
    assert_eq!(exception_list(&first, &local(), Some(ENDING)).await.unwrap().len(), 0, "it goes on");
    assert_eq!(exception_show(&first, &local(), &near.id).await.unwrap().row.state, "approved");
    agrees(&first).await;
    // After the end of the old one the renewal holds.
    let after = env(dir.path(), 11).await;
    assert_eq!(exception_show(&after, &local(), &near.id).await.unwrap().row.state, "expired");
    assert_eq!(count(&after, "is:excepted").await, near.findings);
    agrees(&after).await;
}

#[tokio::test]
async fn nobody_sees_or_decides_beyond_their_environments() {
    let dir = tempfile::tempdir().unwrap();
    let env = installation(dir.path()).await;
    let latest = plan(&env, &ann(), "source:curl", By::Package).await.unwrap().latest;
    let all = exception_request(&env, &ann(), &wish("source:curl", &latest)).await.unwrap().row;
    let tests = exception_request(&env, &ann(), &wish("source:curl and env:test", &latest)).await.unwrap().row;
    let reader = person("kim", Role::Approver, Scope::environments(["production"]));
    let seen = exception_list(&env, &reader, None).await.unwrap();
    assert_eq!(seen.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), [all.id.as_str()]);
    let detail = exception_show(&env, &reader, &all.id).await.unwrap();
    assert_eq!(detail.on.iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), ["web-01", "web-02"]);
    // Of the third host nothing is told but that there is more.
    assert_eq!((detail.row.hosts, detail.row.partly, detail.gone), (2, true, 0));
    assert!(detail.row.title.ends_with("on 2 hosts"), "{}", detail.row.title);
    assert_eq!(detail.row.findings, detail.covers.iter().map(|c| c.findings).sum::<u64>());
    assert!(detail.covers.iter().all(|c| c.hosts == 2), "{:?}", detail.covers);
    assert_eq!((seen[0].hosts, seen[0].title.as_str(), seen[0].partly), (2, detail.row.title.as_str(), true));
    let whole = exception_show(&env, &ann(), &all.id).await.unwrap();
    assert_eq!((whole.row.hosts, whole.row.partly), (3, false));
    not_affected_state(&env, &sara(), &not("source:openssl")).await.unwrap();
    let stated = not_affected_list(&env, &reader).await.unwrap();
    assert_eq!((stated[0].hosts, stated[0].partly), (2, true));
    assert!(stated[0].title.ends_with("on 2 hosts"), "{}", stated[0].title);
    let approve = |id: &str| ExceptionDecision { decision: "approve".to_owned(), reason: id.to_owned() };
    let beyond = exception_decide(&env, &reader, &all.id, &approve("x"), None).await;
    assert!(matches!(beyond, Err(AppError::Forbidden { .. })), "one host of it is not theirs: {beyond:?}");
    let hidden = exception_decide(&env, &reader, &tests.id, &approve("x"), None).await;
    assert!(matches!(hidden, Err(AppError::NotFound { .. })), "{hidden:?}");
    // What they ask for is cut to what they may see.
    let narrow = person("lee", Role::Operator, Scope::environments(["test"]));
    let own = exception_request(&env, &narrow, &wish("source:curl", &latest)).await.unwrap();
    assert_eq!(own.row.hosts, 1);
}

#[tokio::test]
async fn a_draft_becomes_a_request() {
    let dir = tempfile::tempdir().unwrap();
    let env = installation(dir.path()).await;
    let text = "schema = 1\nname = \"site\"\nversion = \"1\"\nvalid_from = 2026-01-01\n[[constraints.rule]]\nname = \"billing-ssl\"\n\
                package = \"libssl3\"\nversions = \"< 3.0.10\"\nscheme = \"deb\"\nowner = \"A. Owner\"\nbecause = \"engine lost\"\n";
    policy::apply(&env, &Ctx { reason: Some("test".to_owned()), ..local() }, text).await.unwrap();
    let mut facts = host("web-01", "3.0.9-1", "7.88.1-10");
    facts.transaction = Some(Transaction {
        steps: vec![TransactionStep {
            name: "libssl3".to_owned(),
            from: Some("3.0.9-1".to_owned()),
            to: Some("3.0.18-1~deb12u2".to_owned()),
            ..TransactionStep::default()
        }],
        simulated: "apt-get -s dist-upgrade".to_owned(),
        ..Transaction::default()
    });
    let id = host_report(&env, &local(), facts).await.unwrap();
    let draft = async || fleet::host_detail(&env, &local(), &id).await.unwrap().report.exceptions.remove(0);
    let before = draft().await;
    assert!(!before.stays_open.is_empty() && before.request.is_none(), "{before:?}");
    let wish = |draft: &str| ExceptionRequest {
        draft: Some(draft.to_owned()),
        reason: "billing needs the engine".to_owned(),
        ..ExceptionRequest::default()
    };
    let missing = exception_request(&env, &ann(), &wish("exc_00")).await;
    assert!(matches!(missing, Err(AppError::NotFound { .. })), "{missing:?}");
    let too_far = exception_request(&env, &ann(), &wish(&before.id)).await;
    let until = match too_far {
        Ok(made) => {
            assert_eq!(made.row.until, before.expires, "the day of the draft");
            made
        }
        // The draft proposes a day; policy may allow less for what is open.
        Err(AppError::Invalid { detail, .. }) => {
            let latest = detail.split("findings, ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
            let request = ExceptionRequest { until: Some(latest), ..wish(&before.id) };
            exception_request(&env, &ann(), &request).await.unwrap()
        }
        Err(other) => panic!("{other}"),
    };
    assert_eq!((until.row.draft.as_deref(), until.row.hosts), (Some(before.id.as_str()), 1));
    assert_eq!(until.row.vulns, before.stays_open.len() as u64);
    assert!(until.row.question.contains("libssl3 on web-01") && until.row.question.contains("billing-ssl"));
    decide(&env, &bob(), &until.row.id, "approve").await.unwrap();
    let after = draft().await;
    let request = after.request.unwrap();
    assert_eq!((request.id.as_str(), request.state.as_str()), (until.row.id.as_str(), "approved"));
    assert_eq!(after.id, before.id, "the draft stays the same");
    assert_eq!(count(&env, "is:excepted and host:web-01").await, before.stays_open.len() as u64);
    agrees(&env).await;
}

pub(crate) fn not(q: &str) -> NotAffectedRequest {
    NotAffectedRequest {
        q: q.to_owned(),
        justification: "vulnerable_code_not_in_execute_path".to_owned(),
        reason: "the module is not loaded".to_owned(),
        review_by: "2027-05-01".to_owned(),
        digest: None,
    }
}

#[tokio::test]
async fn not_affected_sets_findings_aside_until_the_version_changes_or_it_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let env = installation(dir.path()).await;
    let all = count(&env, "").await;
    let one = ask(&env, &local(), "source:curl", "vuln").await.items[0].name.clone();
    let q = format!("cve:{one} and source:curl");
    let counted = plan(&env, &sara(), &q, By::Version).await.unwrap();
    assert_eq!((counted.findings, counted.hosts), (3, 3));
    assert_eq!(counted.rows[0].version.as_deref(), Some("7.88.1-10"));
    for role in [Role::Viewer, Role::Operator, Role::Approver] {
        let refused = not_affected_state(&env, &person("eve", role, Scope::All), &not(&q)).await;
        assert!(matches!(refused, Err(AppError::Forbidden { .. })), "{role}");
    }
    let refused = async |request: NotAffectedRequest| match not_affected_state(&env, &sara(), &request).await {
        Err(AppError::Invalid { code, detail, .. }) => (code, detail),
        other => panic!("{other:?}"),
    };
    let word = NotAffectedRequest { justification: "we_hope".to_owned(), ..not(&q) };
    assert_eq!(refused(word).await.0, "vex_justification");
    assert!(
        refused(NotAffectedRequest { review_by: "2026-11-20".to_owned(), ..not(&q) })
            .await
            .1
            .contains("not after today")
    );
    assert_eq!(refused(NotAffectedRequest { review_by: "soon".to_owned(), ..not(&q) }).await.0, "day");
    let stale = NotAffectedRequest { digest: Some("00".to_owned()), ..not(&q) };
    assert!(matches!(not_affected_state(&env, &sara(), &stale).await, Err(AppError::Conflict { .. })));

    let said = not_affected_state(&env, &sara(), &NotAffectedRequest { digest: Some(counted.digest), ..not(&q) })
        .await
        .unwrap();
    assert_eq!((said.row.state.as_str(), said.row.findings), ("stated", 3));
    assert_eq!(count(&env, "").await, all - 3);
    let answer = ask(&env, &local(), "", "host").await;
    assert_eq!(answer.set_aside, 3);
    assert!(answer.notes.iter().any(|n| n.starts_with("3 findings are set aside")), "{:?}", answer.notes);
    assert_eq!(count(&env, "is:set-aside").await, 3);
    agrees(&env).await;
    let stats = fleet::findings_stats(&env, &local()).await.unwrap();
    assert_eq!(stats.tiers.iter().map(|t| t.set_aside).sum::<u64>(), 3);
    assert_eq!(stats.tiers.iter().map(|t| t.open).sum::<u64>(), all - 3);

    // It leaves as VEX, with who said it and why.
    let id = find_host(&env, &local(), "web-01").await.unwrap().id;
    let report = fleet::host_detail(&env, &local(), &id).await.unwrap().report;
    let vex = export(&report, Export::OpenVex, "us", env.now());
    let statement = vex["statements"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["status"] == "not_affected" && s.to_string().contains(&one))
        .unwrap_or_else(|| panic!("{vex}"));
    assert_eq!(statement["justification"], "vulnerable_code_not_in_execute_path");
    assert!(statement.to_string().contains("the module is not loaded") && statement.to_string().contains("sara"));

    // An exception does not cover what is set aside already.
    let rest = plan(&env, &ann(), "source:curl", By::Package).await.unwrap();
    assert_eq!(rest.findings, count(&env, "source:curl").await);

    // Another version is another product.
    host_report(&env, &local(), host("web-01", "3.0.9-1", "7.88.1-10+deb12u1")).await.unwrap();
    assert_eq!(count(&env, "is:set-aside").await, 2);
    agrees(&env).await;

    // Taken back, all of it is open again.
    let id = said.row.id.as_str();
    let withdraw = async |ctx: &Ctx, reason: &str| -> Result<NotAffectedDetail, AppError> {
        not_affected_withdraw(&env, ctx, id, reason, None).await
    };
    assert!(matches!(withdraw(&ann(), "x").await, Err(AppError::Forbidden { .. })));
    assert!(matches!(withdraw(&sara(), " ").await, Err(AppError::Invalid { .. })));
    assert_eq!(withdraw(&sara(), "it is needed again").await.unwrap().row.state, "withdrawn");
    assert!(matches!(withdraw(&sara(), "twice").await, Err(AppError::Invalid { .. })));
    assert_eq!(count(&env, "is:set-aside").await, 0);
    agrees(&env).await;
    assert_eq!(not_affected_list(&env, &local()).await.unwrap().len(), 1, "it stays on record");
    assert_eq!(not_affected_show(&env, &local(), id).await.unwrap().row.withdrawn_by.as_deref(), Some("sara"));
    let audit = audited(&env).await;
    assert!(
        audit.iter().any(|l| l.starts_with("sara vex.state"))
            && audit.iter().any(|l| l.starts_with("sara vex.withdraw"))
    );
}

#[tokio::test]
async fn a_statement_lapses_after_its_review_date() {
    let dir = tempfile::tempdir().unwrap();
    let first = installation(dir.path()).await;
    let all = count(&first, "").await;
    let request = NotAffectedRequest { review_by: "2026-12-01".to_owned(), ..not("source:curl") };
    not_affected_state(&first, &sara(), &request).await.unwrap();
    assert!(count(&first, "").await < all);
    // The clock of the tests starts on 2026-11-20 at 9.
    let last = env(dir.path(), 11).await;
    assert!(count(&last, "").await < all);
    let after = env(dir.path(), 12).await;
    assert_eq!(count(&after, "").await, all);
    assert_eq!(not_affected_list(&after, &local()).await.unwrap()[0].state, "lapsed");
    agrees(&after).await;
}

#[tokio::test]
async fn a_policy_is_put_into_force_on_its_days_only() {
    let dir = tempfile::tempdir().unwrap();
    let env = installation(dir.path()).await;
    let before = env.policy().policy.hash.clone();
    let text = |dates: &str| format!("schema = 1\nname = \"site\"\nversion = \"1\"\n{dates}\n");
    let put = |text: String| {
        let env = &env;
        async move { policy::apply(env, &Ctx { reason: Some("test".to_owned()), ..local() }, &text).await }
    };
    for (dates, words) in [
        ("valid_from = 2099-01-01", "applies from 2099-01-01 on"),
        ("valid_from = 2020-01-01\nvalid_to = 2021-01-01", "ended on 2021-01-01"),
    ] {
        let refused = put(text(dates)).await.unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
        assert_eq!(env.policy().policy.hash, before, "what was in force stays");
    }
    let last = env.now().date().to_string();
    put(text(&format!("valid_from = 2026-01-01\nvalid_to = {last}"))).await.unwrap();
    let now = env.now();
    assert_eq!(policy::over(&env.policy().policy, now), None, "its last day is one of its days");
    // Later it goes on, and everything that rests on it says so.
    let over = policy::over(&env.policy().policy, now.plus_days(1)).unwrap();
    assert!(over.contains(&format!("ended on {last}")), "{over}");
    let later = self::env(dir.path(), 30).await;
    let web = find_host(&later, &local(), "web-01").await.unwrap();
    let warnings = fleet::host_detail(&later, &local(), &web.id).await.unwrap().report.data.warnings;
    assert!(warnings.iter().any(|w| w.contains("ended on")), "{warnings:?}");
}

#[tokio::test]
async fn what_evidence_sets_aside_is_not_counted_over_the_fleet() {
    let dir = tempfile::tempdir().unwrap();
    let env = installation(dir.path()).await;
    let all = count(&env, "").await;
    let on_test = count(&env, "env:test and source:curl").await;
    let text = "schema = 1\nname = \"site\"\nversion = \"1\"\nvalid_from = 2026-01-01\n[[runtime.rule]]\nname = \"lab\"\n\
                evidence = \"network_isolated\"\nwhen = 'asset.environment == \"test\" && package.name == \"curl\"'\n\
                approved_by = \"sara\"\nexpires = 2027-01-01\nbecause = \"no way in\"\n";
    policy::apply(&env, &Ctx { reason: Some("test".to_owned()), ..local() }, text).await.unwrap();
    agrees(&env).await;
    let aside = count(&env, "is:set-aside").await;
    assert!(aside > 0 && aside <= on_test, "{aside} of {on_test}");
    assert_eq!(count(&env, "").await, all - aside);
    // The evidence goes: the host is no longer isolated.
    classify(&env, "db-01", AssetProfile { exposure: Exposure::Internal, ..profile(Tier::T1, "test") }).await;
    assert_eq!(count(&env, "is:set-aside").await, 0);
    agrees(&env).await;
}
