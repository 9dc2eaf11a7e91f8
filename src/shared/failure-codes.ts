/** What failures are called, by numbers that processes share. */

/** Of those whose source is the server. */
export const SERVER_FAILURE_CODES = [
  "connect_refused",
  "connect_timeout",
  "connect_failed",
  "upstream_tls_failed",
  "upstream_certificate_invalid",
  "upstream_tls_refused",
  "upstream_not_http2",
  "stream_refused",
  /** Counts only as a reason to try again: nothing is held against the server. */
  "stale_connection",
  "closed_before_response",
  "try_timeout",
  "response_timeout",
  "upstream_write_timeout",
  "bad_response",
  "unexpected_upgrade",
  "response_truncated",
  "response_body_timeout",
] as const;

/**
 * All of them: processes of one run have the same list. A failure that is not in it would be `other`; a test sees to it that
 * all of ours are.
 */
export const FAILURE_CODES: readonly string[] = [
  /** There was none. */
  "",
  "other",
  ...SERVER_FAILURE_CODES,
  "deadline_exceeded",
  "no_server_available",
  "queue_full",
  "queue_timeout",
  "queue_shed",
  "auth_unavailable",
  "client_denied",
  "rate_limited",
  "host_required",
  "no_route",
  "ambiguous_path",
  "overloaded",
  "client_aborted",
  "client_write_timeout",
  "request_head_timeout",
  "request_body_timeout",
  "request_truncated",
  "body_too_large",
  "method_not_allowed",
  "fleet_status_denied",
  "server_not_shown",
  "admin_unavailable",
  "admin_busy",
  "internal_error",
  "bare_cr",
  "bare_lf",
  "invalid_method",
  "method_too_long",
  "connect_method",
  "invalid_target",
  "target_fragment",
  "target_scheme",
  "target_authority",
  "target_asterisk",
  "request_line_too_long",
  "missing_version",
  "invalid_version",
  "unsupported_version",
  "space_before_fields",
  "obs_fold",
  "empty_field_name",
  "invalid_field_name",
  "space_before_colon",
  "invalid_field_value",
  "too_many_fields",
  "head_too_large",
  "missing_host",
  "duplicate_host",
  "invalid_host",
  "invalid_content_length",
  "duplicate_content_length",
  "length_and_transfer_encoding",
  "invalid_transfer_encoding",
  "unknown_transfer_coding",
  "transfer_encoding_version",
  "invalid_connection",
  "connection_names_framing",
  "unknown_expectation",
  "invalid_status_line",
  "invalid_status",
  "invalid_chunk_size",
  "chunk_size_too_long",
  "invalid_chunk_extension",
  "chunk_extension_too_large",
  "invalid_chunk_end",
  "forbidden_trailer",
  "trailer_too_large",
  "interim_version",
  "too_many_options",
  "upper_case_name",
  "space_around_value",
  "connection_field",
  "invalid_te",
  "unknown_pseudo_field",
  "late_pseudo_field",
  "duplicate_pseudo_field",
  "missing_pseudo_field",
  "unexpected_pseudo_field",
  "invalid_protocol",
  "host_unlike_authority",
  "length_unlike_body",
  "stream_error",
  "connection_age",
];

/** Stands for a code that is not in the list. */
const OTHER = 1;
const INDEX = new Map(FAILURE_CODES.map((code, index) => [code, index]));

/** Index of a failure's code. */
export function failureIndex(code: string): number {
  return INDEX.get(code) ?? OTHER;
}

/** The code at an index that came from the shared memory. */
export function failureCode(index: number): string {
  return FAILURE_CODES[index] ?? FAILURE_CODES[OTHER];
}
