//! The catalogue of problem codes: what each means and what to do. Codes are stable; a test checks that each is explained.

/// One code.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable code, also the last part of the problem's `type`.
    pub code: &'static str,
    /// HTTP status it comes with.
    pub status: u16,
    /// Short title.
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub next: &'static str,
}

/// A value that could be read and is not acceptable.
const fn refused(code: &'static str, title: &'static str, next: &'static str) -> Problem {
    Problem {
        code,
        status: 422,
        title,
        meaning: "The request could be read, but a value in it is not acceptable. The detail says which; nothing was changed.",
        next,
    }
}

/// Every code that this server sends.
pub const PROBLEMS: &[Problem] = &[
    Problem {
        code: "bad_request",
        status: 400,
        title: "The request cannot be read",
        meaning: "The body, the query string or a header is not in the form that this address takes.",
        next: "Compare the request with the API page; the detail names the part that failed.",
    },
    Problem {
        code: "unauthenticated",
        status: 401,
        title: "Nobody is signed in",
        meaning: "The request carries no session and no token, or one that has ended. Which of the two is not told.",
        next: "Sign in again, or send a token that is still valid as `Authorization: Bearer …`.",
    },
    Problem {
        code: "forbidden",
        status: 403,
        title: "Not allowed",
        meaning: "You are signed in, but your role or the token's scopes do not cover this.",
        next: "Ask an administrator for the role, or make a token with the scope that the detail names.",
    },
    Problem {
        code: "cross_site",
        status: 403,
        title: "The request came from somewhere else",
        meaning: "A change must come from a page of this console. The browser said that this one did not, or the form's token is missing or belongs to another session.",
        next: "Open the page again and repeat the step. Behind a proxy, set the public address of the console to the one in the address bar.",
    },
    Problem {
        code: "not_found",
        status: 404,
        title: "There is no such thing",
        meaning: "Nothing is known under this address or id, or you may not see it.",
        next: "Look for it with the search; an id is copied best with its prefix.",
    },
    Problem {
        code: "method_not_allowed",
        status: 405,
        title: "This address does not take that method",
        meaning: "The address exists, but not for this kind of request.",
        next: "See the API page for the methods of each address.",
    },
    Problem {
        code: "timeout",
        status: 408,
        title: "The request took too long",
        meaning: "The server stopped working on the request at its time limit. Nothing is half-written.",
        next: "Try again; if it happens again, look for the request id in the server's log.",
    },
    Problem {
        code: "conflict",
        status: 409,
        title: "Somebody changed it first",
        meaning: "The record has another generation than the one your change was made from.",
        next: "Load it again and repeat your change on what stands there now.",
    },
    Problem {
        code: "precondition_failed",
        status: 412,
        title: "Somebody changed it first",
        meaning: "The `If-Match` header names another version than the stored one.",
        next: "Get the record again, take its `ETag`, and repeat the change.",
    },
    Problem {
        code: "if_match",
        status: 412,
        title: "`If-Match` names no version",
        meaning: "The `If-Match` header is not a tag that this server gives for such a record. Nothing was compared and nothing was changed.",
        next: "Get the record and send its `ETag` as `If-Match`, one tag, as it is.",
    },
    Problem {
        code: "too_large",
        status: 413,
        title: "The body is too large",
        meaning: "Forms and JSON may have 1 MB, host facts 32 MB.",
        next: "Send less at a time.",
    },
    Problem {
        code: "unsupported_media_type",
        status: 415,
        title: "The body has the wrong type",
        meaning: "The API takes `application/json`, forms come as `application/x-www-form-urlencoded`.",
        next: "Set the `Content-Type` header.",
    },
    Problem {
        code: "invalid",
        status: 422,
        title: "The request cannot be carried out as it is",
        meaning: "The request could be read, but a value in it is not acceptable. The detail says which.",
        next: "Correct the value that the detail names.",
    },
    refused(
        "cursor",
        "This is no cursor of the list",
        "Start without `after`, and give back the `next` of each page as it is.",
    ),
    refused("sort", "The list has no such order", "The hint names the sort keys of this list."),
    refused(
        "query",
        "The query over findings cannot be read",
        "The detail names the place; the page of findings explains the language.",
    ),
    refused("group", "Findings are not grouped by this", "Group by `patch`, `vuln`, `host` or `owner`."),
    refused(
        "view_name",
        "The view's name cannot be taken",
        "Choose 1 to 60 characters that no other view of yours has.",
    ),
    refused("view_limit", "There are too many views", "Delete a view that is not used any more."),
    refused("bulk_edit", "The change of hosts is not understood", "Choose one kind of change and one value for it."),
    refused(
        "bulk_limit",
        "The change concerns too many hosts",
        "Narrow the query, and change the hosts in several steps.",
    ),
    refused("snapshot_gone", "The snapshot is not kept any more", "Choose one that the list marks as kept."),
    refused("snapshot_active", "The snapshot is the active one", "Choose another one of the list."),
    refused(
        "facts_schema",
        "The facts have another form than this server reads",
        "Update the server or the collector, so that both speak the same schema.",
    ),
    refused("host_name", "The facts carry no usable host name", "Set a host name on the machine and collect again."),
    refused("host_ambiguous", "Several hosts have this name", "Use the id (`hst_…`) instead of the name."),
    refused("too_many_packages", "The facts hold more packages than any host has", "Check what was collected."),
    refused("profile", "The asset profile is not understood", "The hint names the known keys and values."),
    refused(
        "password_length",
        "The password is too short or too long",
        "Use 12 to 256 characters; a sentence of five words is good.",
    ),
    refused(
        "account_name",
        "The name of the account is not acceptable",
        "Use 1 to 60 letters, digits and .-_@+ that no other account has.",
    ),
    refused("token_name", "The token needs a name", "Name the program that will use it, in 1 to 80 characters."),
    refused("token_days", "The token's life is not acceptable", "Choose 1 to 365 days."),
    refused(
        "token_scope",
        "The token's scopes are not acceptable",
        "Choose some of `read`, `inventory:write`, `feeds:write`, `policy:write`, `exceptions:write`, `admin`.",
    ),
    refused("no_account", "Only a signed-in person can do this", "Sign in to the console."),
    refused(
        "policy_invalid",
        "The policy does not hold together",
        "Correct the lines that the detail names; `patchwright policy check FILE` shows them too.",
    ),
    refused("day", "That is no day", "Write a day as 2027-06-30."),
    refused(
        "decision_limit",
        "The decision covers too much",
        "Narrow the query, by environment or package for example, and decide in parts.",
    ),
    refused("decision_by", "Findings are not decided about like this", "Use `package` or `version`."),
    refused(
        "exception_subject",
        "Say what the exception is of",
        "Name a query over findings, or the draft of a host's report; one of both.",
    ),
    refused(
        "exception_refused",
        "The exception stands against a rule",
        "The detail names every rule: four eyes, the longest time that policy allows, a reason, or the state that it is in.",
    ),
    refused("exception_decision", "That is no decision about an exception", "Decide `approve`, `refuse` or `revoke`."),
    refused(
        "exception_state",
        "There is no such state of an exception",
        "Use `requested`, `approved`, `ending`, `expired`, `revoked` or `refused`.",
    ),
    refused("vex_justification", "That is no justification", "Use one of the five of OpenVEX; the detail lists them."),
    refused(
        "vex_refused",
        "The statement stands against a rule",
        "The detail names every rule: a reason, a review date in time, packages that a statement can name, or the state that it is in.",
    ),
    refused(
        "vex_unreadable",
        "The document cannot be read",
        "Give a whole OpenVEX, CSAF VEX or CycloneDX VEX document in JSON, 16 MB at most. Nothing was changed.",
    ),
    refused(
        "vex_document_refused",
        "The document stands against a rule",
        "The detail names every rule: a reason, a review date in time, a version that is not older than what is here. Nothing was changed.",
    ),
    refused("filter_unknown", "No such filter", "Use one of the words that the hint names, or clear the filter."),
    refused(
        "password_guessed",
        "The password is guessed at once",
        "Take a sentence of five words; nobody guesses one.",
    ),
    refused(
        "password_current",
        "The present password is not right",
        "Type it again. Who has forgotten it asks on the server for a link: `patchwright link --forget-password`.",
    ),
    refused(
        "host_shrunk",
        "The host lost most of its packages",
        "A list that was cut off looks like this: collect it again. Where it is meant, forget the host and report again.",
    ),
    refused(
        "clock_behind",
        "The clock of the server is far behind",
        "Set the clock; no host was recorded, because deadlines would be wrong for ever.",
    ),
    refused(
        "clock_ahead",
        "The host was seen later than now",
        "Set the clock. Where it was wrong then and is right now, forget the host and report again.",
    ),
    refused("reason_missing", "The change needs a reason", "Say why; the reason goes into the audit."),
    Problem {
        code: "precondition_required",
        status: 428,
        title: "Say which version you are changing",
        meaning: "A change of this record needs an `If-Match` header, so that nobody's change is overwritten unseen.",
        next: "Get the record, take its `ETag`, and send it as `If-Match`.",
    },
    Problem {
        code: "too_many_attempts",
        status: 429,
        title: "Too many attempts",
        meaning: "Signing in failed too often under this name, or over all names.",
        next: "Wait as long as the `Retry-After` header says, then try again.",
    },
    Problem {
        code: "fleet_starting",
        status: 503,
        title: "The fleet is being read",
        meaning: "After a start a large fleet is read into memory once; the message says how far that is.",
        next: "Wait as long as the `Retry-After` header says, then try again. Pages of single hosts work meanwhile.",
    },
    Problem {
        code: "database",
        status: 500,
        title: "The database did not do its part",
        meaning: "Reading or writing the database failed. Nothing is half-written: every change is one transaction.",
        next: "Run `patchwright doctor` on the server, and look for the request id in its log.",
    },
    Problem {
        code: "file",
        status: 500,
        title: "A file of the data folder cannot be used",
        meaning: "The server could not read or write a file of its data folder.",
        next: "Check space, owner and mode of the data folder on the server; `patchwright doctor` does so too.",
    },
    Problem {
        code: "database_gone",
        status: 500,
        title: "The database is gone",
        meaning: "The data folder has had a database before, and it is missing or empty now.",
        next: "Restore the last backup on the server; the message names the file to remove for beginning anew.",
    },
    Problem {
        code: "vulnerability_data",
        status: 500,
        title: "The vulnerability data cannot be read",
        meaning: "The loaded snapshot is damaged or missing, so no answer would be right.",
        next: "Run `patchwright doctor` on the server; it says how to load the data again.",
    },
    Problem {
        code: "internal",
        status: 500,
        title: "The server made a mistake",
        meaning: "Something happened that the server does not handle. The log holds it under the request id.",
        next: "Look for the request id in the server's log, and report it with what you did.",
    },
    Problem {
        code: "too_busy",
        status: 503,
        title: "The server has too much to do",
        meaning: "A limit on open streams or requests is reached.",
        next: "Try again in a few seconds.",
    },
];

/// The code's entry.
#[must_use]
pub fn find(code: &str) -> Option<&'static Problem> {
    PROBLEMS.iter().find(|p| p.code == code)
}

/// The code that stands for an HTTP status nobody gave a code to.
#[must_use]
pub fn code_of_status(status: u16) -> &'static str {
    match status {
        401 => "unauthenticated",
        403 => "forbidden",
        404 => "not_found",
        405 => "method_not_allowed",
        408 => "timeout",
        409 => "conflict",
        412 => "precondition_failed",
        413 => "too_large",
        415 => "unsupported_media_type",
        422 => "invalid",
        428 => "precondition_required",
        429 => "too_many_attempts",
        503 => "too_busy",
        400..=499 => "bad_request",
        _ => "internal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_every_status_has_one() {
        for (i, p) in PROBLEMS.iter().enumerate() {
            assert!(PROBLEMS.iter().skip(i + 1).all(|other| other.code != p.code), "{} stands twice", p.code);
            assert!(p.meaning.ends_with('.') && p.next.ends_with('.'), "{}", p.code);
        }
        for status in 400..=599 {
            assert!(find(code_of_status(status)).is_some(), "{status}");
        }
    }
}
