{{/* Environment variables that the chart sets by itself, as a list. Others come from env and extraEnv. */}}
{{- define "neurabalancer.ownEnvironment" -}}
- name: APP_ENV
  value: {{ .Values.environment | quote }}
- name: APP_HOST
  value: {{ .Values.host | quote }}
- name: APP_PORT
  value: {{ .Values.containerPorts.http | quote }}
- name: RESERVED_PATHS
  value: {{ .Values.reservedPaths | quote }}
- name: FLEET_STATUS
  value: {{ .Values.fleetStatus | quote }}
- name: WORKERS
  value: {{ .Values.workers | quote }}
- name: SHUTDOWN_TIMEOUT_SECONDS
  value: {{ .Values.shutdown.timeoutSeconds | quote }}
- name: SHUTDOWN_GRACE_SECONDS
  value: {{ .Values.shutdown.graceSeconds | quote }}
- name: DATA_DIR
  value: /var/lib/neurabalancer
- name: INSTANCE_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- if .Values.zone }}
- name: APP_ZONE
  value: {{ .Values.zone | quote }}
{{- else if .Values.zoneFromPodLabel }}
- name: APP_ZONE
  valueFrom:
    fieldRef:
      fieldPath: metadata.labels['topology.kubernetes.io/zone']
{{- end }}
- name: ADMIN_PORT
  value: {{ ternary .Values.containerPorts.admin "off" .Values.admin.enabled | quote }}
{{- if .Values.admin.enabled }}
- name: ADMIN_HOST
  value: {{ .Values.host | quote }}
{{- with include "neurabalancer.allowedHosts" . }}
- name: ADMIN_ALLOWED_HOSTS
  value: {{ . | quote }}
{{- end }}
{{- if .Values.adminTokens.existingSecret }}
- name: ADMIN_TOKENS
  valueFrom:
    secretKeyRef:
      name: {{ .Values.adminTokens.existingSecret | quote }}
      key: {{ .Values.adminTokens.existingSecretKey | quote }}
{{- else if .Values.adminTokens.tokens }}
- name: ADMIN_TOKENS
  value: {{ join "," .Values.adminTokens.tokens | quote }}
{{- end }}
{{- end }}
{{- if .Values.tls.existingSecret }}
- name: TLS_PORT
  value: {{ .Values.containerPorts.https | quote }}
- name: TLS_CERT_FILE
  value: {{ printf "/etc/neurabalancer/tls/%s" .Values.tls.certKey | quote }}
- name: TLS_KEY_FILE
  value: {{ printf "/etc/neurabalancer/tls/%s" .Values.tls.keyKey | quote }}
{{- end }}
{{- include "neurabalancer.storeEnvironment" . }}
{{- with .Values.tracing.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
- name: OTEL_EXPORTER_OTLP_PROTOCOL
  value: {{ $.Values.tracing.protocol | quote }}
{{- end }}
{{- if .Values.modelServer.enabled }}
- name: ML_MODEL_ENDPOINT
  value: http://{{ include "neurabalancer.named" (list . "model-server") }}:{{ .Values.modelServer.port }}
{{- end }}
{{- end }}

{{/* What is remembered, and what several instances share. */}}
{{- define "neurabalancer.storeEnvironment" -}}
{{- with .Values.db }}
{{- if .host }}
- name: DB_HOST
  value: {{ .host | quote }}
- name: DB_PORT
  value: {{ .port | quote }}
- name: DB_NAME
  value: {{ .name | quote }}
- name: DB_USER
  value: {{ .user | quote }}
- name: DB_SSLMODE
  value: {{ .sslMode | quote }}
- name: DB_PASSWORD
  valueFrom:
    secretKeyRef:
      {{- include "neurabalancer.passwordRef" (list $ . "db-password") | nindent 6 }}
{{- end }}
{{- end }}
{{- if include "neurabalancer.sharesRedis" . }}
{{- with .Values.redis }}
{{- with .addr }}
- name: REDIS_ADDR
  value: {{ . | quote }}
{{- end }}
{{- with .sentinelAddrs }}
- name: REDIS_SENTINEL_ADDRS
  value: {{ join "," . | quote }}
- name: REDIS_SENTINEL_MASTER
  value: {{ $.Values.redis.sentinelMaster | quote }}
{{- end }}
{{- with .clusterAddrs }}
- name: REDIS_CLUSTER_ADDRS
  value: {{ join "," . | quote }}
{{- end }}
{{- with .username }}
- name: REDIS_USERNAME
  value: {{ . | quote }}
{{- end }}
{{- if .tls }}
- name: REDIS_TLS
  value: "on"
{{- end }}
{{- if or .password .existingSecret }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      {{- include "neurabalancer.passwordRef" (list $ . "redis-password") | nindent 6 }}
{{- end }}
- name: CLUSTER_NAME
  value: {{ .clusterName | default (printf "%s.%s" $.Release.Namespace (include "neurabalancer.fullname" $) | trunc 64) | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "neurabalancer.sharesRedis" -}}
{{- if or .Values.redis.addr .Values.redis.sentinelAddrs .Values.redis.clusterAddrs }}true{{- end }}
{{- end }}

{{/* Names under which the admin port may be asked without a token: those of its service. */}}
{{- define "neurabalancer.allowedHosts" -}}
{{- $names := .Values.admin.allowedHosts }}
{{- if include "neurabalancer.hasAdminService" . }}
{{- $name := include "neurabalancer.named" (list . "admin") }}
{{- $inNamespace := printf "%s.%s" $name .Release.Namespace }}
{{- $names = concat (list $name $inNamespace (printf "%s.svc" $inNamespace) (printf "%s.svc.%s" $inNamespace .Values.clusterDomain)) $names }}
{{- end }}
{{- join "," $names }}
{{- end }}

{{- define "neurabalancer.hasAdminService" -}}
{{- if and .Values.admin.enabled (or .Values.admin.service.enabled .Values.metrics.serviceMonitor.enabled) }}true{{- end }}
{{- end }}

{{/* All variables of the balancer's container. */}}
{{- define "neurabalancer.environment" -}}
{{- include "neurabalancer.ownEnvironment" . }}
{{- range $name, $value := .Values.env }}
{{- if not (kindIs "invalid" $value) }}
- name: {{ $name | quote }}
  value: {{ include "neurabalancer.text" $value | quote }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
