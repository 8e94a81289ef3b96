// Comfort only: every page works without this file. It notices a lost connection, and lets no form be sent into nothing.
"use strict";

const banner = document.getElementById("offline");

function tell(message) {
  banner.textContent = message ?? "";
  banner.hidden = !message;
}

document.body.addEventListener("htmx:sseError", () => tell(banner.dataset.lost));
document.body.addEventListener("htmx:sseOpen", () => tell(null));
window.addEventListener("offline", () => tell(banner.dataset.lost));
window.addEventListener("online", () => tell(null));

async function isReachable() {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 5000);
  try {
    await fetch("/portal/static/mark.svg", { method: "HEAD", cache: "no-store", signal: stop.signal });
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

function release(form) {
  delete form.dataset.sending;
  form.removeAttribute("aria-busy");
}

// A form is sent once, and only when there is somebody to send it to; otherwise it stays on the screen as it is.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post" || form.dataset.sending === "now" || event.defaultPrevented) return;
  event.preventDefault();
  if (form.dataset.sending) return;
  form.dataset.sending = "asking";
  form.setAttribute("aria-busy", "true");
  if (await isReachable()) {
    form.dataset.sending = "now";
    form.requestSubmit(event.submitter);
    // Where a file comes back, the page stays: it can be sent again.
    setTimeout(() => release(form), 8000);
    return;
  }
  release(form);
  tell(banner.dataset.unsent);
  banner.scrollIntoView({ block: "nearest" });
});

// A page that comes back from the browser's memory may be sent again; the gateway does it once all the same.
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sending]").forEach(release);
});
