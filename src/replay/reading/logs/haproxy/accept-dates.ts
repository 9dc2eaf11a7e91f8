/** HAProxy's dates of requests: `29/Nov/2026:21:29:50.479`, in the local time of the machine that wrote them. */

const DATE = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d)\.(\d{3})$/;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** As far as the minutes. */
const MINUTE_LENGTH = 17;

/** They say no time zone: the zone of this machine is taken (the environment variable TZ names another). */
export class AcceptDates {
  #minute = "";
  #minuteMs = 0;

  /** Milliseconds since the epoch; NaN for what is no such date. */
  read(text: string): number {
    const match = DATE.exec(text);
    if (match === null) return Number.NaN;
    const [, day, month, year, hour, minute, second, milliseconds] = match;
    const prefix = text.slice(0, MINUTE_LENGTH);
    if (prefix !== this.#minute) {
      const at = MONTHS.indexOf(month);
      if (at < 0) return Number.NaN;
      const begun = new Date(Number(year), at, Number(day), Number(hour), Number(minute));
      this.#minute = prefix;
      this.#minuteMs = begun.getTime();
    }
    return this.#minuteMs + Number(second) * 1000 + Number(milliseconds);
  }
}
