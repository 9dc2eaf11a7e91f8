/** Asks the API for what is no part of the stream, and again when something was changed. */
import { useEffect, useState } from "preact/hooks";
import { type ApiProblem, sentenceOf } from "../api/problem.ts";
import { changesMade } from "./changing/plan.ts";
import { api, connection } from "./live.ts";

/** How far it is; what was there before stays while it is asked again. */
export interface Asked<T> {
  readonly body: T | null;
  readonly etag: string | null;
  /** A sentence. */
  readonly error: string | null;
  readonly status: number;
  readonly again: () => void;
}

/**
 * @param path `null` = nothing is asked.
 * @param everyMs asks again so often while the page is seen; 0 = does not.
 * @param deadlineMs for what takes the instance longer than usual.
 */
export function useAsked<T>(path: string | null, everyMs = 0, deadlineMs?: number): Asked<T> {
  const [state, setState] = useState<Omit<Asked<T>, "again"> & { of: string | null }>(NOTHING);
  const [turn, setTurn] = useState(0);
  const changes = changesMade.value;
  const live = connection.value.state === "live";
  useEffect(() => {
    if (path === null) return;
    const abort = new AbortController();
    api.get<T>(path, abort.signal, deadlineMs).then(
      ({ body, etag }) => setState({ of: path, body, etag, error: null, status: 200 }),
      (error: ApiProblem) => {
        if (abort.signal.aborted) return;
        setState((before) => ({ ...before, of: path, error: sentenceOf(error), status: error.status ?? 0 }));
      },
    );
    return () => abort.abort();
  }, [path, turn, changes, live]);
  useEffect(() => {
    if (everyMs === 0) return;
    const timer = setInterval(() => document.visibilityState === "visible" && setTurn((n) => n + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  const known = state.of === path ? state : { ...NOTHING, body: null };
  return { ...known, body: known.body as T | null, again: () => setTurn((n) => n + 1) };
}

const NOTHING = { of: null, body: null, etag: null, error: null, status: 0 };
