// Enhancements only: every page and every control works without this file.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (el) => el instanceof HTMLElement && (el.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(el.tagName));

  // The tab one is on is in sight, also where the row of tabs scrolls.
  const tab = $(".tabs [aria-current]");
  if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 24;

  // Rows: j and k walk them, Enter opens the one under the cursor.
  let at = -1;
  const rows = () => $$("[data-rows] > tbody > tr, ul[data-rows] > li").filter((row) => row.offsetParent !== null && $("[data-open]", row));
  const go = (step) => {
    const all = rows();
    if (all.length === 0) return;
    all.forEach((row) => row.classList.remove("at"));
    at = Math.max(0, Math.min(all.length - 1, at + step));
    const row = all[at];
    row.classList.add("at");
    const link = $("[data-open]", row);
    link.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest?.("[data-rows] > tbody > tr, ul[data-rows] > li");
    if (row) at = rows().indexOf(row);
  });

  // Ctrl-K: a dialog over the same search as /search.
  let dialog = null;
  const palette = (text) => {
    if (!dialog) dialog = build();
    const field = $("input", dialog);
    field.value = text;
    if (!dialog.open) dialog.showModal();
    field.select();
    field.dispatchEvent(new Event("input"));
  };
  const build = () => {
    const made = document.createElement("dialog");
    made.className = "palette";
    made.setAttribute("aria-label", "Find");
    const field = document.createElement("input");
    Object.entries({ type: "search", role: "combobox", "aria-label": "Find a host, vulnerability or package", "aria-controls": "palette-out", "aria-expanded": "true", autocomplete: "off", spellcheck: "false", placeholder: "Find a host, CVE or package" }).forEach(([k, v]) => field.setAttribute(k, v));
    const out = document.createElement("div");
    out.className = "out";
    out.id = "palette-out";
    out.setAttribute("aria-live", "polite");
    made.append(field, out);
    document.body.append(made);
    let chosen = -1;
    let wait = 0;
    let asked = 0;
    const items = () => $$("li", out);
    const choose = (to) => {
      const all = items();
      all.forEach((item) => item.classList.remove("at"));
      chosen = all.length === 0 ? -1 : (to + all.length) % all.length;
      if (chosen >= 0) {
        all[chosen].classList.add("at");
        all[chosen].scrollIntoView({ block: "nearest" });
      }
    };
    field.addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(async () => {
        const mine = ++asked;
        const answer = await fetch("/ui/_/search?q=" + encodeURIComponent(field.value.trim()), { credentials: "same-origin" }).catch(() => null);
        if (mine !== asked) return;
        if (answer?.status === 401) location.assign("/sign-in");
        if (!answer?.ok) {
          out.textContent = "The server did not answer; press Enter to search on its page.";
          return;
        }
        // Our own escaped markup, from a fragment address of this server.
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        out.replaceChildren(...page.body.childNodes);
        choose(0);
      }, 90);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
      } else if (event.key === "Enter") {
        event.preventDefault();
        const link = items()[chosen] && $("a", items()[chosen]);
        location.assign(link ? link.href : "/search?q=" + encodeURIComponent(field.value.trim()));
      }
    });
    made.addEventListener("click", (event) => {
      if (event.target === made) made.close();
    });
    return made;
  };

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      if (!$("[data-palette]")) return;
      event.preventDefault();
      palette("");
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || dialog?.open) return;
    if (event.key === "/") {
      const field = $("[data-filter]") ?? $("[data-palette]");
      if (field) {
        event.preventDefault();
        field.focus();
        field.select();
      }
    } else if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
  });

  // The account menu closes by Escape or a click elsewhere.
  const menu = $(".me");
  document.addEventListener("click", (event) => {
    if (menu?.open && !menu.contains(event.target)) menu.open = false;
  });
  menu?.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      menu.open = false;
      $("summary", menu).focus();
    }
  });

  // A link to something inside a closed part opens it.
  const unfold = () => {
    const there = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    if (there instanceof HTMLDetailsElement) {
      there.open = true;
      there.scrollIntoView({ block: "start" });
    }
  };
  addEventListener("hashchange", unfold);
  unfold();

  $$("[data-select]").forEach((field) => field.addEventListener("focus", () => field.select()));

  // A file fills the field that it would be pasted into.
  $$("input[type=file][data-into]").forEach((file) => {
    file.closest("[data-file]").hidden = false;
    file.addEventListener("change", async () => {
      const chosen = file.files[0];
      if (!chosen) return;
      const form = file.form;
      form.elements[file.dataset.into].value = await chosen.text();
      if (form.elements.name && !form.elements.name.value) form.elements.name.value = chosen.name;
    });
  });

  // New data: say so quietly; the reader decides when to reload.
  const note = $("[data-fresh]");
  if (note && $(".top nav") && window.EventSource) {
    const source = new EventSource("/events");
    const tell = (event) => {
      const link = document.createElement("a");
      link.href = location.href;
      link.textContent = "Reload";
      link.addEventListener("click", (click) => {
        click.preventDefault();
        location.reload();
      });
      note.replaceChildren("New data" + (event.data ? ": " + event.data : "") + ". ", link);
      note.hidden = false;
    };
    source.addEventListener("changed", tell);
    source.addEventListener("missed", tell);
    // A page in the background gives its connection back; browsers allow few per server.
    addEventListener("pagehide", () => source.close());
  }
})();
