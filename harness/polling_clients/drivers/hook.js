// Runs before the scripts of the page under test. CONFIG and `pollproofReport` come from the harness.
(() => {
  const CONFIG = {/* CONFIG */};
  if (window.top !== window) return;
  const report = (event) => window.pollproofReport(JSON.stringify(event));
  const text = (value) => (value === undefined || value === null ? null : String(value));

  // What the harness makes the page do is reported on the same way as what the page hands on, so that the order is kept.
  window.pollproofTold = (did, user) => report({ told: did, user: text(user) });
  window.pollproof = {
    delivered: (message) =>
      report({
        handed: text(message?.id),
        content: text(message?.content ?? message?.message ?? message?.text),
        user: text(message?.user),
      }),
    state: (state) => report({ state: text(state?.type), error: text(state?.error ?? state?.message) }),
  };

  let hidden = false;
  const of = (name) => Object.getOwnPropertyDescriptor(Document.prototype, name).get;
  const [isHidden, visibility] = [of("hidden"), of("visibilityState")];
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden || isHidden.call(document) });
  Object.defineProperty(document, "visibilityState", {
    configurable: true,
    get: () => (hidden ? "hidden" : visibility.call(document)),
  });
  window.pollproofSetHidden = (value) => {
    hidden = value;
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  };

  // Browsers freeze hidden pages alone, and resume them before they show them, or without.
  window.pollproofSetFrozen = (value) => {
    if (value) window.pollproofSetHidden(true);
    document.dispatchEvent(new Event(value ? "freeze" : "resume"));
  };

  if (CONFIG.selector) {
    // Shown again is shown twice only while the first one is still there: a list may be drawn afresh.
    const reported = new Map();
    const look = () => {
      const counts = new Map();
      for (const element of document.querySelectorAll(CONFIG.selector)) {
        const id = element.getAttribute(CONFIG.attribute);
        if (!id) continue;
        counts.set(id, (counts.get(id) ?? 0) + 1);
        if (counts.get(id) <= (reported.get(id) ?? 0)) continue;
        reported.set(id, counts.get(id));
        report({ handed: id, content: element.textContent, user: null });
      }
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
  }

  const before = CONFIG.beforeLoad;
  if (before) (0, eval)(`(${before})`)(CONFIG.user);
})();
