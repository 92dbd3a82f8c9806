// A form with data-passkey asks the browser for a passkey, and sends what it answers as JSON.
// Without script it stays hidden: the code of an app, or a recovery code, does the same.
(() => {
  "use strict";
  const ask = {
    create: (options) =>
      navigator.credentials.create({
        publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
      }),
    get: (options) =>
      navigator.credentials.get({
        publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
      }),
  };
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const complaint = form.querySelector(".complaint");
      complaint.hidden = true;
      try {
        const { publicKey } = JSON.parse(document.getElementById("passkey-options").textContent);
        const answer = await ask[form.dataset.passkey](publicKey);
        form.elements.credential.value = JSON.stringify(answer.toJSON());
        form.submit();
      } catch {
        complaint.hidden = false;
      }
    });
  }
})();
