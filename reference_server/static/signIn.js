// @ts-check
/** The form that signs in or registers. */

import { ApiError, createApi } from "./api.js";
import { byId } from "./dom.js";

/** @typedef {{token: string, username: string, expires_at: string}} Session */

const USERNAME = /^[\p{L}\p{N}_.@+-]{3,64}$/u;
const PASSWORD_AT_LEAST = 8;
const PASSWORD_AT_MOST = 128;

const MODES = {
  signIn: {
    title: "Sign in", lead: "Welcome back.", button: "Sign in", ask: "New here?", other: "Create an account",
    autocomplete: "current-password",
  },
  register: {
    title: "Create an account", lead: "A name and a password are all it takes.", button: "Create account",
    ask: "Have an account?", other: "Sign in", autocomplete: "new-password",
  },
};

/** Whether a username can exist. @param {string} name */
export const isUsername = (name) => USERNAME.test(name.normalize("NFC"));

export class SignIn {
  /** @param {(session: Session) => void} onSession */
  constructor(onSession) {
    this.onSession = onSession;
    this.form = byId("sign-in-form");
    this.username = /** @type {HTMLInputElement} */ (byId("username"));
    this.password = /** @type {HTMLInputElement} */ (byId("password"));
    this.button = /** @type {HTMLButtonElement} */ (byId("sign-in-button"));
    this.isBusy = false;
    /** @type {keyof typeof MODES} */
    this.mode = "signIn";
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    byId("switch-mode").addEventListener("click", () => this.#show(this.mode === "signIn" ? "register" : "signIn"));
    byId("show-password").addEventListener("click", () => this.#reveal(this.password.type === "password"));
    for (const field of [this.username, this.password]) {
      field.addEventListener("input", () => this.#complain(field, ""));
    }
  }

  /** @param {string} reason  why the user is here again, or "" @param {string} username */
  open(reason = "", username = "") {
    byId("sign-in").hidden = false;
    this.#show("signIn");
    byId("sign-in-error").textContent = reason;
    this.username.value ||= username;
    (this.username.value ? this.password : this.username).focus();
  }

  /** @param {keyof typeof MODES} mode */
  #show(mode) {
    this.mode = mode;
    const words = MODES[mode];
    byId("sign-in-title").textContent = words.title;
    byId("sign-in-lead").textContent = words.lead;
    this.button.textContent = words.button;
    byId("switch-text").textContent = words.ask;
    byId("switch-mode").textContent = words.other;
    this.password.autocomplete = /** @type {AutoFill} */ (words.autocomplete);
    for (const id of ["username-hint", "password-hint"]) byId(id).hidden = mode === "signIn";
    byId("sign-in-error").textContent = "";
    for (const field of [this.username, this.password]) this.#complain(field, "");
  }

  /** @param {boolean} isShown */
  #reveal(isShown) {
    this.password.type = isShown ? "text" : "password";
    byId("show-password").textContent = isShown ? "Hide" : "Show";
    byId("show-password").setAttribute("aria-pressed", String(isShown));
  }

  /** @param {HTMLInputElement} field @param {string} text */
  #complain(field, text) {
    byId(`${field.id}-error`).textContent = text;
    if (text) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  /** Say what is wrong at each field; focus the first one. */
  #isFilled() {
    const name = this.username.value.trim();
    const length = [...this.password.value].length;
    const least = this.mode === "register" ? PASSWORD_AT_LEAST : 1;
    this.#complain(this.username, isUsername(name) ? "" : "Use 3 to 64 letters, digits and the characters _ . @ + -");
    this.#complain(
      this.password,
      length > PASSWORD_AT_MOST ? `Use at most ${PASSWORD_AT_MOST} characters`
        : length >= least ? "" : least === 1 ? "Type your password" : `Use at least ${least} characters`,
    );
    const wrong = [this.username, this.password].find((field) => field.hasAttribute("aria-invalid"));
    wrong?.focus();
    return !wrong;
  }

  async #submit() {
    if (this.isBusy || !this.#isFilled()) return;
    this.#busy(true);
    byId("sign-in-error").textContent = "";
    const [username, password] = [this.username.value.trim(), this.password.value];
    try {
      const api = createApi(null);
      if (this.mode === "register") await api.register(username, password);
      const session = await api.signIn(username, password);
      this.form.hidden = false;
      this.password.value = "";
      this.#reveal(false);
      byId("sign-in").hidden = true;
      this.onSession(session);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#refused(error);
    } finally {
      this.#busy(false);
    }
  }

  /** @param {ApiError} error */
  #refused(error) {
    const isTaken = error.status === 409;
    if (isTaken) this.#complain(this.username, "This username is taken");
    else byId("sign-in-error").textContent = words(error);
    (isTaken ? this.username : this.password).focus();
  }

  /** @param {boolean} isBusy */
  #busy(isBusy) {
    this.isBusy = isBusy;
    this.button.setAttribute("aria-disabled", String(isBusy));
    this.button.textContent = isBusy ? "One moment…" : MODES[this.mode].button;
  }
}

/** @param {ApiError} error */
function words(error) {
  const seconds = Math.ceil(error.retryAfterMs / 1000);
  if (error.status === 0) return "The server cannot be reached. Check your connection and try again.";
  if (error.status === 429) return `Too many attempts. Try again in ${seconds} s.`;
  if (error.status === 503) return "Signing in is not possible at the moment. Try again shortly.";
  return error.message;
}
