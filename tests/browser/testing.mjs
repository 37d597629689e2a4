// Tests that run under Node's test runner and, from the same files, in a page (tests/edge/browser).

const isNode = typeof process !== "undefined";
const nodeTest = isNode ? (await import("node:test")).test : null;
const tests = [];

/** Register a test; its name is its sentence. */
export function test(name, run) {
  tests.push({ name, run });
  nodeTest?.(name, run);
}

/** Run all tests that were registered; for a page. Return {name, error} of each, error null where it passed. */
export async function runAll() {
  const results = [];
  for (const { name, run } of tests) {
    const error = await run().then(
      () => null,
      (reason) => String(reason?.stack ?? reason),
    );
    results.push({ name, error });
  }
  return results;
}

/** Compare by value, as JSON has it. */
export function equal(actual, expected, what = "") {
  const [got, wanted] = [actual, expected].map((value) => JSON.stringify(value));
  if (got !== wanted) throw new Error(`${what}\n  got    ${got}\n  wanted ${wanted}`);
}

export function ok(value, what) {
  if (!value) throw new Error(what);
}

export function between(value, low, high, what = "") {
  if (!(value >= low && value <= high)) throw new Error(`${what} ${value} is not between ${low} and ${high}`);
}
