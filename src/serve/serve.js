// What pages do besides standing there. Without it they show the same.
"use strict";

// "/" goes to the filter, "r" loads the page again.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    const filter = document.querySelector("form.filter input");
    if (filter) { filter.focus(); event.preventDefault(); }
  } else if (event.key === "r") {
    location.reload();
  }
});

// A page that names its events and its sections is taken anew when one of these has changed: all but the
// form that somebody may be writing in.
const page = document.querySelector("main[data-events]");
if (page && window.EventSource) {
  const sections = page.dataset.sections.split(" ");
  let source = null;
  let asked = false;

  const renew = async () => {
    if (asked) return;
    asked = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const [now, then] = [document.querySelector("#live"), fresh.querySelector("#live")];
      const selects = String(getSelection()) !== "";
      if (now && then && !selects && !now.contains(document.activeElement)) now.replaceWith(then);
    } catch {
      // The stream tells when there is something again.
    } finally {
      asked = false;
    }
  };

  const listen = () => {
    if (source) return;
    source = new EventSource(page.dataset.events);
    source.addEventListener("facts", (event) => {
      const changed = JSON.parse(event.data).targets.flatMap((target) => target.changed);
      if (changed.some((section) => sections.includes(section))) renew();
    });
  };

  // A page that nobody sees asks for nothing, and leaves its connection to others.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      if (source) source.close();
      source = null;
    } else {
      listen();
    }
  });
  if (!document.hidden) listen();
}
