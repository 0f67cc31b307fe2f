//! One file a command.

mod account;
mod advisory;
mod assets;
mod audit;
mod bundle;
mod caller;
mod cvss;
mod doctor;
mod exception;
mod explain;
mod feed;
mod findings;
mod host;
mod input;
mod intel;
mod inventory;
mod judge;
mod local;
mod pages;
mod policy;
mod scan;
mod serve;
mod show;
mod show_exceptions;
mod sources;
mod up;
mod verify;
mod version;
mod vex;
mod vex_documents;

use clap::CommandFactory as _;

use crate::args::{Args, Command, Inventory};
use crate::exit::{Code, Failure};
use crate::{output, signals};

/// Runs the command.
pub(crate) fn run(args: Args) -> Result<Code, Failure> {
    let place = local::Place::of(&args);
    // Every command: one that is short today reads standard input tomorrow, or a large file.
    signals::listen();
    // Commands that need no data folder run where none can be named.
    let with = |work: &dyn Fn(&local::Place) -> Result<Code, Failure>| {
        let place = place?;
        let done = work(&place);
        place.hand_over();
        done.map_err(|failure| place.named(failure))
    };
    match args.command {
        Command::Up(up) => with(&|place| up::run(place, &up)),
        Command::Scan(scan) => with(&|place| scan::run(place, &scan)),
        Command::Explain(explain) => with(&|place| explain::run(place, &explain)),
        Command::Host(host) => with(&|place| host::run(place, &host)),
        Command::Inventory(Inventory::Playbook) => inventory::playbook(),
        Command::Inventory(command) => with(&|place| assets::run(place, &command)),
        Command::Advisory(advisory) => with(&|place| advisory::run(place, &advisory)),
        Command::Findings(findings) => with(&|place| findings::run(place, &findings)),
        Command::Exception(exception) => with(&|place| exception::run(place, &exception)),
        Command::Vex(vex) => with(&|place| vex::run(place, &vex)),
        Command::Sources(sources) => with(&|place| sources::run(place, &sources)),
        Command::Feed(feed) => with(&|place| feed::run(place, &feed)),
        Command::Intel(intel) => with(&|place| intel::run(place, &intel)),
        Command::Bundle(bundle) => with(&|place| bundle::run(place, &bundle)),
        Command::Policy(policy) => with(&|place| policy::run(place, &policy)),
        Command::Audit(audit) => with(&|place| audit::run(place, &audit)),
        Command::Serve(serve) => with(&|place| serve::run(place, &serve)),
        Command::Account(account) => with(&|place| account::run(place, &account)),
        Command::Link(link) => with(&|place| account::link(place, &link)),
        Command::Doctor { output } => with(&|place| doctor::run(place, output)),
        Command::Verify(verify) => with(&|place| verify::run(place, &verify)),
        Command::Version(version) => version::run(&version),
        Command::Cvss(args) => cvss::run(&args.vectors, args.output),
        Command::Collect { no_processes, policy } => collect(!no_processes, policy.as_deref()),
        Command::Completions { shell } => {
            let mut bytes = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "patchwright", &mut bytes);
            output::out(&String::from_utf8_lossy(&bytes))?;
            Ok(Code::Ok)
        }
        Command::Man => man(),
    }
}

fn collect(processes: bool, policy: Option<&std::path::Path>) -> Result<Code, Failure> {
    let settings = match policy {
        Some(path) => scan::policy(Some(path))?.runtime.settings(patchwright_app::Clock::system().now()),
        None => Vec::new(),
    };
    let options = patchwright_agent::Options { processes, settings, ..patchwright_agent::Options::default() };
    let looking = signals::AtWork::looking();
    let facts = patchwright_agent::collect(&patchwright_agent::Root::host(), &options, &mut |_| {});
    drop(looking);
    output::json(&facts)?;
    Ok(Code::Ok)
}

/// The manual: the page of the program, then one section for each command.
fn man() -> Result<Code, Failure> {
    let fail = |e: std::io::Error| Failure::plain(Code::Failed, format!("failed to write the manual page: {e}"));
    let mut bytes = Vec::new();
    let mut command = Args::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut bytes).map_err(fail)?;
    for sub in command.get_subcommands().filter(|s| !s.is_hide_set()) {
        bytes.extend_from_slice(format!(".SH \"PATCHWRIGHT {}\"\n", sub.get_name().to_uppercase()).as_bytes());
        let page = clap_mangen::Man::new(sub.clone());
        page.render_description_section(&mut bytes).map_err(fail)?;
        page.render_options_section(&mut bytes).map_err(fail)?;
    }
    output::out(&String::from_utf8_lossy(&bytes))?;
    Ok(Code::Ok)
}
