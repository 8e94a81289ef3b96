// Results are handed in piece by piece, so that a file of any size has a progress bar, and a lost connection costs
// one piece. Without this file the form sends everything at once; what is in is the same.
"use strict";

(() => {
  const form = document.getElementById("hand-in");
  if (!form) return;
  const PIECE = 512 * 1024;
  const MOST_FILES = 40;
  const drop = document.getElementById("drop");
  const told = document.getElementById("told");
  const bar = document.getElementById("bar");
  const send = document.getElementById("send");
  const chosenLine = document.getElementById("chosen");
  const unreadList = document.getElementById("unread");
  let dropped = [];
  let work = null;

  const put = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const isOfLines = (file) => /\.(ndjson|jsonl)$/i.test(file.name);
  const nameOf = (file) => file.path || file.webkitRelativePath || file.name;

  function chosen() {
    const inputs = [...form.querySelectorAll('input[type="file"]')];
    const files = [...dropped, ...inputs.flatMap((input) => [...input.files])];
    return files.filter((file) => file.size > 0 && /\.(json|ndjson|jsonl|txt)$/i.test(file.name));
  }

  function showChosen() {
    const files = chosen();
    const size = (files.reduce((sum, file) => sum + file.size, 0) / 1e6).toFixed(1);
    chosenLine.textContent = put(told.dataset.chosen, { count: files.length, size });
    chosenLine.hidden = files.length === 0;
    work = null;
  }

  // What is sent at once: some small files, or a piece of a file of lines that ends with a line.
  async function* pieces(files) {
    let together = [];
    let size = 0;
    for (const file of files) {
      if (isOfLines(file) && file.size > PIECE) {
        yield* linesOf(file);
        continue;
      }
      if (together.length && (size + file.size > PIECE || together.length >= MOST_FILES)) {
        yield { parts: together, size, first: 1 };
        together = [];
        size = 0;
      }
      together.push({ blob: file, name: nameOf(file) });
      size += file.size;
    }
    if (together.length) yield { parts: together, size, first: 1 };
  }

  async function* linesOf(file) {
    let start = 0;
    let first = 1;
    while (start < file.size) {
      let end = Math.min(start + PIECE, file.size);
      let bytes = new Uint8Array(await file.slice(start, end).arrayBuffer());
      while (end < file.size && !bytes.includes(10)) {
        end = Math.min(end + PIECE, file.size);
        bytes = new Uint8Array(await file.slice(start, end).arrayBuffer());
      }
      if (end < file.size) bytes = bytes.subarray(0, bytes.lastIndexOf(10) + 1);
      yield { parts: [{ blob: new Blob([bytes]), name: nameOf(file) }], size: bytes.length, first };
      first += bytes.reduce((count, byte) => count + (byte === 10), 0);
      start += bytes.length;
    }
  }

  async function sendPiece(piece) {
    const data = new FormData();
    for (const field of form.querySelectorAll("input:not([type=file])")) {
      if ((field.type !== "checkbox" && field.type !== "radio") || field.checked) data.append(field.name, field.value);
    }
    data.set("first_line", String(piece.first));
    for (const part of piece.parts) data.append("file", part.blob, part.name);
    const answer = await fetch(form.action, { method: "POST", body: data, headers: { Accept: "application/json" } });
    if (!(answer.headers.get("content-type") || "").includes("json")) throw new Error("lost");
    return { ok: answer.ok, status: answer.status, body: await answer.json() };
  }

  function tellUnread(lines) {
    for (const line of lines) {
      const item = document.createElement("li");
      const name = document.createElement("strong");
      name.textContent = line.name;
      item.append(name, `: ${line.why}`);
      if (unreadList.childElementCount < 200) unreadList.append(item);
    }
  }

  function tellProgress() {
    bar.value = work.all ? (100 * work.done) / work.all : 100;
    const size = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
    told.textContent = put(told.dataset.done, {
      done: size(work.done), all: size(work.all), accepted: work.accepted, unread: work.unread,
    });
  }

  function stop(message) {
    told.textContent = message;
    send.disabled = false;
    send.textContent = send.dataset.resume;
    form.removeAttribute("aria-busy");
  }

  async function run() {
    send.disabled = true;
    form.setAttribute("aria-busy", "true");
    document.getElementById("progress").hidden = false;
    for (;;) {
      if (!work.piece) {
        const next = await work.pieces.next();
        if (next.done) break;
        work.piece = next.value;
      }
      let answer = null;
      for (const wait of [0, 1000, 3000]) {
        await new Promise((resolve) => setTimeout(resolve, wait));
        try {
          answer = await sendPiece(work.piece);
          if (answer.ok || answer.status < 500) break;
        } catch {
          answer = null;
        }
      }
      if (!answer) return stop(told.dataset.lost);
      if (!answer.ok) return stop(answer.body.problem || told.dataset.lost);
      work.page = answer.body.page;
      work.accepted += answer.body.accepted + answer.body.unchanged;
      work.unread += answer.body.unread.length;
      work.done += work.piece.size;
      work.piece = null;
      tellUnread(answer.body.unread);
      tellProgress();
    }
    window.location.assign(work.page);
  }

  form.addEventListener("submit", (event) => {
    const files = chosen();
    if (!files.length) return;
    event.preventDefault();
    if (send.disabled) return;
    if (!work) {
      const all = files.reduce((sum, file) => sum + file.size, 0);
      work = { pieces: pieces(files), piece: null, all, done: 0, accepted: 0, unread: 0, page: form.action };
      unreadList.replaceChildren();
    }
    tellProgress();
    run();
  });
  form.addEventListener("change", (event) => {
    if (event.target.type === "file") showChosen();
  });

  async function filesIn(entry, path) {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      file.path = path + file.name;
      return [file];
    }
    const reader = entry.createReader();
    const found = [];
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return found;
      for (const one of some) found.push(...(await filesIn(one, `${path}${entry.name}/`)));
    }
  }
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
    const lists = await Promise.all(entries.map((entry) => filesIn(entry, "")));
    dropped = lists.flat();
    showChosen();
  });
})();
