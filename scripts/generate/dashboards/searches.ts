/** What is looked for in logs and traces. `service` is set by the shipper (configs/alloy/), the name by `OTEL_SERVICE_NAME`. */

export const FAILED_LINES = '{service="load-balancer"} | json | status >= 500';
export const SLOW_LINES = '{service="load-balancer"} | json | duration > 1s';
export const RETRIED_LINES = '{service="load-balancer"} | json | retries > 0';

const OURS = 'resource.service.name = "neurabalancer"';
export const FAILED_TRACES = `{ ${OURS} && kind = server && status = error }`;
export const SLOW_TRACES = `{ ${OURS} && kind = server && duration > 1s }`;
export const RETRIED_TRACES = `{ ${OURS} && kind = client && span.http.request.resend_count > 0 }`;
export const PLACED_TRACES = `{ ${OURS} && kind = client && span.neurabalancer.strategy = "ml" }`;
