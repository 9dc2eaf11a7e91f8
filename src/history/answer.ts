/** Questions and their answers: what `neurabalancer stats` prints and the admin API returns as JSON. */
import type { HistoryReader } from "../storage/history-store.ts";
import { askServers, type ServersAnswer } from "./availability.ts";
import { askEvents, type EventsAnswer } from "./events.ts";
import { askIncident, type IncidentAnswer } from "./incident.ts";
import type { Question } from "./questions.ts";
import { askRequests, type RequestsAnswer } from "./requests.ts";
import { askTraffic, type TrafficAnswer } from "./traffic/traffic.ts";

/** One of them; `subject` says which. */
export type Answer = TrafficAnswer | EventsAnswer | RequestsAnswer | ServersAnswer | IncidentAnswer;

/**
 * Answers a question. Rejects with a `StoreError` when the store cannot be read, and with a `QuestionError` when the answer
 * would be too large. @param nowMs milliseconds since the epoch.
 */
export async function answer(reader: HistoryReader, question: Question, nowMs: number): Promise<Answer> {
  switch (question.subject) {
    case "traffic":
      return askTraffic(reader, question, nowMs);
    case "events":
      return askEvents(reader, question);
    case "requests":
      return askRequests(reader, question);
    case "servers":
      return askServers(reader, question);
    case "incident":
      return askIncident(reader, question, nowMs);
  }
}
