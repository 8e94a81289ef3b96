// Scanning with the camera, where the browser can read QR codes. Typing and pasting need none of this.
"use strict";

(async () => {
  const button = document.getElementById("scan");
  const video = document.getElementById("camera");
  const told = document.getElementById("scan-told");
  const code = document.getElementById("field-code");
  if (!button || !("BarcodeDetector" in window) || !navigator.mediaDevices) return;
  const formats = await window.BarcodeDetector.getSupportedFormats();
  if (!formats.includes("qr_code")) return;
  const detector = new window.BarcodeDetector({ formats: ["qr_code"] });
  const start = button.textContent;
  let stream = null;
  button.hidden = false;

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.hidden = true;
    button.textContent = start;
  }

  async function look() {
    while (stream) {
      const found = await detector.detect(video).catch(() => []);
      const shown = found.find((one) => one.rawValue.startsWith("CLRX1:"));
      if (shown) {
        stop();
        code.value = shown.rawValue;
        code.form.requestSubmit();
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  button.addEventListener("click", async () => {
    if (stream) return stop();
    told.textContent = "";
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      told.textContent = button.dataset.refused;
      return;
    }
    video.srcObject = stream;
    video.hidden = false;
    button.textContent = button.dataset.stop;
    await video.play();
    look();
  });
})();
