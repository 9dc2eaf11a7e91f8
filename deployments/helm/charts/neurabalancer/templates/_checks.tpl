{{/*
What cannot be seen by values.schema.json. All that is wrong is told at once: a release that would not start, or would lose requests,
is none.
*/}}
{{- define "neurabalancer.check" -}}
{{- $problems := list }}
{{- $values := .Values }}

{{- if and (kindIs "string" $values.config) $values.servers }}
{{- $problems = append $problems "servers and config (as a text): name the servers in config alone" }}
{{- else if and $values.servers (or (get ($values.config | default dict) "servers") $values.existingConfigMap) }}
{{- $problems = append $problems "servers is also said by config.servers or existingConfigMap: leave one of them" }}
{{- end }}
{{- if and $values.existingConfigMap $values.config }}
{{- $problems = append $problems "config and existingConfigMap: the file of settings comes from one of them" }}
{{- end }}
{{- if not (or (include "neurabalancer.namesServers" .) (include "neurabalancer.backendsEnabled" .)) }}
{{- $problems = append $problems "no servers are named: set servers (--set 'servers={http://web.shop.svc:8080}', or k8s://shop/web:http), or pools and routes in config; backends.enabled=true installs servers for trials" }}
{{- end }}

{{- /* A setting stands in one place: the environment would win over the file without a word. */}}
{{- $config := dict }}
{{- if kindIs "map" $values.config }}{{- $config = $values.config }}
{{- else if $values.config }}
{{- $config = fromYaml $values.config }}
{{- if $config.Error }}
{{- $problems = append $problems (printf "config is no YAML: %s" $config.Error) }}
{{- end }}
{{- end }}
{{- $own := dict }}
{{- range fromYamlArray (include "neurabalancer.ownEnvironment" .) }}{{- $_ := set $own .name true }}{{- end }}
{{- range $setting := fromYamlArray (include "neurabalancer.places" .) }}
{{- if hasKey $own $setting.env }}
{{- $section := get $config (first (splitList "." $setting.file)) }}
{{- $key := last (splitList "." $setting.file) }}
{{- if kindIs "map" $section }}
{{- if hasKey $section $key }}
{{- $problems = append $problems (printf "config.%s would not count: set %s instead" $setting.file $setting.value) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $value := $values.env }}
{{- if hasKey $own $name }}
{{- $problems = append $problems (printf "env.%s: the chart sets it; set %s instead" $name (include "neurabalancer.valueOf" (list $ $name))) }}
{{- end }}
{{- end }}
{{- range $values.extraEnv }}
{{- if hasKey $own .name }}
{{- $problems = append $problems (printf "extraEnv has %s: the chart sets it; set %s instead" .name (include "neurabalancer.valueOf" (list $ .name))) }}
{{- else if hasKey ($values.env | default dict) .name }}
{{- $problems = append $problems (printf "%s is in env and in extraEnv: leave one of them" .name) }}
{{- end }}
{{- end }}

{{- with $values.db }}
{{- if and .host (not (or .password .existingSecret)) }}
{{- $problems = append $problems "db.host needs db.existingSecret or db.password (where the server asks for none, any text does)" }}
{{- end }}
{{- end }}
{{- if and $values.redis.sentinelAddrs (not $values.redis.sentinelMaster) }}
{{- $problems = append $problems "redis.sentinelAddrs needs redis.sentinelMaster" }}
{{- end }}
{{- if and $values.grafana.enabled (not (or $values.grafana.adminPassword $values.grafana.existingSecret)) }}
{{- $problems = append $problems "grafana.enabled needs grafana.existingSecret or grafana.adminPassword" }}
{{- end }}

{{- if gt (int $values.shutdown.graceSeconds) (int $values.shutdown.timeoutSeconds) }}
{{- $problems = append $problems "shutdown.graceSeconds is a part of shutdown.timeoutSeconds: it cannot be longer" }}
{{- end }}
{{- if not (kindIs "invalid" $values.terminationGracePeriodSeconds) }}
{{- if le (int $values.terminationGracePeriodSeconds) (int $values.shutdown.timeoutSeconds) }}
{{- $problems = append $problems (printf "terminationGracePeriodSeconds (%d) has to be longer than shutdown.timeoutSeconds (%d), or requests in flight are cut" (int $values.terminationGracePeriodSeconds) (int $values.shutdown.timeoutSeconds)) }}
{{- end }}
{{- end }}

{{- if and $values.persistence.enabled (ne (include "neurabalancer.kind" .) "StatefulSet") }}
{{- $problems = append $problems "persistence.enabled needs a volume for each replica: leave kind empty, or set StatefulSet" }}
{{- end }}
{{- if and $values.autoscaling.enabled (eq $values.kind "DaemonSet") }}
{{- $problems = append $problems "autoscaling.enabled has nothing to scale of a DaemonSet: its pods are as many as nodes" }}
{{- end }}
{{- $replicas := int $values.replicaCount }}
{{- if $values.autoscaling.enabled }}
{{- $replicas = int $values.autoscaling.minReplicas }}
{{- if gt $replicas (int $values.autoscaling.maxReplicas) }}
{{- $problems = append $problems "autoscaling.minReplicas is above autoscaling.maxReplicas" }}
{{- end }}
{{- with $values.autoscaling }}
{{- if not (or .targetCPUUtilizationPercentage .targetMemoryUtilizationPercentage .metrics) }}
{{- $problems = append $problems "autoscaling.enabled needs a target: targetCPUUtilizationPercentage, targetMemoryUtilizationPercentage or metrics" }}
{{- end }}
{{- end }}
{{- end }}
{{- with $values.podDisruptionBudget }}
{{- $most := toString .maxUnavailable }}
{{- if and .enabled (or (eq (toString .minAvailable) "100%") (and (kindIs "invalid" .minAvailable) (or (eq $most "0") (eq $most "0%")))) }}
{{- $problems = append $problems "podDisruptionBudget lets no pod be missing, and would keep every node from being drained: maxUnavailable is 1 or more" }}
{{- end }}
{{- if and .enabled (or (kindIs "float64" .minAvailable) (kindIs "int64" .minAvailable)) }}
{{- if and (ge (int .minAvailable) $replicas) (ne $values.kind "DaemonSet") }}
{{- $problems = append $problems (printf "podDisruptionBudget.minAvailable (%d) of %d replicas would keep every node from being drained: use maxUnavailable, or more replicas" (int .minAvailable) $replicas) }}
{{- end }}
{{- end }}
{{- end }}

{{- if and $values.metrics.serviceMonitor.enabled (not $values.admin.enabled) }}
{{- $problems = append $problems "metrics.serviceMonitor.enabled needs admin.enabled: metrics are read there" }}
{{- end }}
{{- if and $values.metrics.serviceMonitor.enabled (or $values.adminTokens.tokens $values.adminTokens.existingSecret) (not $values.metrics.serviceMonitor.tokenSecret.name) }}
{{- $problems = append $problems "with adminTokens a scrape needs a token of scope metrics: metrics.serviceMonitor.tokenSecret.name" }}
{{- end }}
{{- if and (not $values.admin.enabled) (not (include "neurabalancer.answersProbes" .)) }}
{{- $problems = append $problems "no port would answer probes: leave admin.enabled on with reservedPaths=false or PROXY_PROTOCOL" }}
{{- end }}
{{- $ports := list $values.containerPorts.http }}
{{- if $values.admin.enabled }}{{- $ports = append $ports $values.containerPorts.admin }}{{- end }}
{{- if $values.tls.existingSecret }}{{- $ports = append $ports $values.containerPorts.https }}{{- end }}
{{- if ne (len ($ports | uniq)) (len $ports) }}
{{- $problems = append $problems "containerPorts has a port twice: each of http, https and admin needs its own" }}
{{- end }}
{{- if and $values.ingress.enabled (not $values.ingress.hosts) }}
{{- $problems = append $problems "ingress.enabled needs ingress.hosts" }}
{{- end }}

{{- if $problems }}
{{- fail (printf "\n\nThese values of neurabalancer do not fit together:\n  - %s\n" (join "\n  - " $problems)) }}
{{- end }}
{{- end }}

{{/* The value that makes an environment variable of the chart's own: (list . name). */}}
{{- define "neurabalancer.valueOf" -}}
{{- $name := index . 1 }}
{{- $found := "the value for it" }}
{{- range fromYamlArray (include "neurabalancer.places" (index . 0)) }}
{{- if eq .env $name }}{{- $found = .value }}{{- end }}
{{- end }}
{{- $found }}
{{- end }}

{{/* Where else a setting of the chart's own could be written: variable, key of the file, value of the chart. */}}
{{- define "neurabalancer.places" -}}
- {env: APP_ENV, file: app.environment, value: environment}
- {env: APP_HOST, file: app.host, value: host}
- {env: APP_PORT, file: app.port, value: containerPorts.http}
- {env: RESERVED_PATHS, file: app.reserved_paths, value: reservedPaths}
- {env: FLEET_STATUS, file: app.fleet_status, value: fleetStatus}
- {env: WORKERS, file: app.workers, value: workers}
- {env: SHUTDOWN_TIMEOUT_SECONDS, file: app.shutdown_timeout, value: shutdown.timeoutSeconds}
- {env: SHUTDOWN_GRACE_SECONDS, file: app.shutdown_grace, value: shutdown.graceSeconds}
- {env: APP_ZONE, file: app.zone, value: zone}
- {env: DATA_DIR, file: storage.data_dir, value: persistence}
- {env: INSTANCE_NAME, file: database.instance_name, value: fullnameOverride}
- {env: ADMIN_PORT, file: admin.port, value: admin.enabled and containerPorts.admin}
- {env: ADMIN_HOST, file: admin.host, value: host}
- {env: ADMIN_ALLOWED_HOSTS, file: admin.allowed_hosts, value: admin.allowedHosts}
- {env: ADMIN_TOKENS, file: admin.tokens, value: adminTokens}
- {env: TLS_PORT, file: tls.port, value: containerPorts.https}
- {env: TLS_CERT_FILE, file: tls.cert_files, value: tls.existingSecret}
- {env: TLS_KEY_FILE, file: tls.key_files, value: tls.existingSecret}
- {env: DB_HOST, file: database.host, value: db.host}
- {env: DB_PORT, file: database.port, value: db.port}
- {env: DB_NAME, file: database.name, value: db.name}
- {env: DB_USER, file: database.user, value: db.user}
- {env: DB_SSLMODE, file: database.ssl_mode, value: db.sslMode}
- {env: DB_PASSWORD, file: database.password, value: db.existingSecret}
- {env: REDIS_ADDR, file: redis.addr, value: redis.addr}
- {env: REDIS_SENTINEL_ADDRS, file: redis.sentinel_addrs, value: redis.sentinelAddrs}
- {env: REDIS_SENTINEL_MASTER, file: redis.sentinel_master, value: redis.sentinelMaster}
- {env: REDIS_CLUSTER_ADDRS, file: redis.cluster_addrs, value: redis.clusterAddrs}
- {env: REDIS_USERNAME, file: redis.username, value: redis.username}
- {env: REDIS_TLS, file: redis.tls, value: redis.tls}
- {env: REDIS_PASSWORD, file: redis.password, value: redis.existingSecret}
- {env: CLUSTER_NAME, file: cluster.name, value: redis.clusterName}
- {env: OTEL_EXPORTER_OTLP_ENDPOINT, file: otlp.endpoint, value: tracing.endpoint}
- {env: OTEL_EXPORTER_OTLP_PROTOCOL, file: otlp.protocol, value: tracing.protocol}
- {env: ML_MODEL_ENDPOINT, file: ml.endpoint, value: modelServer.enabled}
{{- end }}
