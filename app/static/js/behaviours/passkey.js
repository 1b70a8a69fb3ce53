// A form whose button asks the browser for a passkey (data-passkey="get") or to make one ("create"): the server's question comes from
// data-ask, the answer goes into the form's field `credential`, and the form is posted as any other. Shown only where the browser can.
const can = typeof PublicKeyCredential === "function"
  && typeof PublicKeyCredential.parseRequestOptionsFromJSON === "function"
  && typeof PublicKeyCredential.parseCreationOptionsFromJSON === "function";

export function init(form) {
  if (!can) return;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    const button = form.querySelector("[data-passkey-button]");
    button.disabled = true;
    say(form, "");
    try {
      const question = await ask(form);
      if (!question) return;
      const credential = await answer(form.dataset.passkey, question);
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch (error) {
      say(form, sentence(error));
    } finally {
      button.disabled = false;
    }
  });
}

async function ask(form) {
  const response = await fetch(form.dataset.ask, {
    method: "POST",
    headers: { "X-CSRFToken": form.elements.csrf_token.value },
    signal: AbortSignal.timeout(15000),
  });
  if (response.redirected) { location.assign(response.url); return null; }
  if (response.status === 429) throw new Error("You have tried this many times. Wait a few minutes and try again.");
  if (!response.ok) throw new Error("This page is out of date. Reload it and try again.");
  return response.json();
}

function answer(mode, question) {
  return mode === "create"
    ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(question) })
    : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(question) });
}

function sentence(error) {
  switch (error.name) {
    case "NotAllowedError": return "No passkey was used: it was cancelled, took too long, or there is none on this device.";
    case "InvalidStateError": return "This device has a passkey for your account already.";
    case "SecurityError": return "Passkeys do not work at this address.";
    case "TimeoutError":
    case "TypeError": return "The server could not be reached. Check your connection and try again.";
    default: return error.name === "Error" ? error.message : "That did not work. Try again, or use another way.";
  }
}

function say(form, text) {
  const problem = form.querySelector("[data-passkey-problem]");
  problem.textContent = text;
  problem.hidden = !text;
}
