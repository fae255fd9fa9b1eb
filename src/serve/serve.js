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
