// A countdown while the glass is broken. Without this file the page says until when, and the ledger ends it all the same.
"use strict";

(() => {
  const clocks = [...document.querySelectorAll(".countdown")];
  const two = (number) => String(number).padStart(2, "0");

  function tick() {
    const now = Math.floor(Date.now() / 1000);
    for (const clock of clocks) {
      const left = Number(clock.dataset.until) - now;
      const shown = left > 0
        ? `${Math.floor(left / 3600)}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`
        : clock.dataset.over;
      if (clock.textContent !== shown) clock.textContent = shown;
    }
  }

  if (clocks.length) {
    tick();
    setInterval(tick, 1000);
  }
})();
