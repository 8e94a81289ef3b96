// Says that a file is too large before it is sent. Without this file the gateway says so, after it was.
"use strict";

(() => {
  for (const input of document.querySelectorAll("input[type=file][data-most]")) {
    const told = document.createElement("p");
    told.className = "error";
    told.setAttribute("role", "alert");
    input.before(told);

    const check = () => {
      const size = [...input.files].reduce((sum, file) => sum + file.size, 0);
      told.textContent = size > Number(input.dataset.most) * 1048576 - 65536 ? input.dataset.over : "";
    };
    input.addEventListener("change", check);
    input.form.addEventListener("submit", (event) => {
      check();
      if (!told.textContent) return;
      event.preventDefault();
      input.focus();
    });
  }
})();
