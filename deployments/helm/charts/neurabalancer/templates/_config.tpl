{{/* "true" where the values say which servers there are. */}}
{{- define "neurabalancer.namesServers" -}}
{{- $values := .Values }}
{{- $found := or $values.servers $values.existingConfigMap (kindIs "string" $values.config) (hasKey ($values.env | default dict) "SERVERS") }}
{{- if kindIs "map" $values.config }}
{{- $found = or $found $values.config.servers $values.config.pools }}
{{- end }}
{{- range $values.extraEnv }}
{{- if eq .name "SERVERS" }}{{- $found = true }}{{- end }}
{{- end }}
{{- if or $found $values.extraEnvFrom }}true{{- end }}
{{- end }}

{{/* "true" where the servers for trials are to be installed: when that is said, and, outside production, when no others are named. */}}
{{- define "neurabalancer.backendsEnabled" -}}
{{- $enabled := .Values.backends.enabled }}
{{- if kindIs "bool" $enabled }}
{{- if $enabled }}true{{- end }}
{{- else if and (ne .Values.environment "production") (not (include "neurabalancer.namesServers" .)) }}true
{{- end }}
{{- end }}

{{/* "true" where the pool is made of the servers for trials. */}}
{{- define "neurabalancer.balancesBackends" -}}
{{- if and (include "neurabalancer.backendsEnabled" .) (not (include "neurabalancer.namesServers" .)) }}true{{- end }}
{{- end }}

{{/* "true" where Grafana is to be installed: when that is said, or its password is given. */}}
{{- define "neurabalancer.grafanaEnabled" -}}
{{- with .Values.grafana }}
{{- if ternary .enabled (or .adminPassword .existingSecret) (kindIs "bool" .enabled) }}true{{- end }}
{{- end }}
{{- end }}

{{/* The text of neurabalancer.yaml. */}}
{{- define "neurabalancer.config" -}}
{{- if kindIs "string" .Values.config }}
{{- .Values.config }}
{{- else }}
{{- $config := deepCopy (.Values.config | default dict) }}
{{- if include "neurabalancer.balancesBackends" . }}
{{- $service := printf "k8s://%s/%s:http" .Release.Namespace (include "neurabalancer.named" (list . "backend")) }}
{{- $_ := set $config "servers" (list $service) }}
{{- else if .Values.servers }}
{{- $_ := set $config "servers" .Values.servers }}
{{- end }}
{{- toYaml $config }}
{{- end }}
{{- end }}

{{/* Where a file of settings lies. */}}
{{- define "neurabalancer.configMapName" -}}
{{- .Values.existingConfigMap | default (include "neurabalancer.named" (list . "config")) }}
{{- end }}

{{/* Namespaces whose services are balanced over, as a JSON list: those that servers name (k8s://namespace/service), and those that are listed. */}}
{{- define "neurabalancer.discoveryNamespaces" -}}
{{- $texts := list (include "neurabalancer.config" .) (toString (get (.Values.env | default dict) "SERVERS")) }}
{{- range .Values.extraEnv }}{{- $texts = append $texts (toString .value) }}{{- end }}
{{- $found := .Values.discovery.namespaces }}
{{- range regexFindAll "k8s(\\+[a-z0-9]+)?://[a-z0-9][a-z0-9.-]*/" (join "\n" $texts) -1 }}
{{- $found = append $found (regexReplaceAll "^k8s[^/]*//([^/]*)/$" . "${1}") }}
{{- end }}
{{- $found | uniq | sortAlpha | toJson }}
{{- end }}

{{/* "true" where the balancer asks the API server. */}}
{{- define "neurabalancer.discovers" -}}
{{- if ne (include "neurabalancer.discoveryNamespaces" .) "[]" }}true{{- end }}
{{- end }}

{{/* A value as an environment variable has it: numbers as they are written, not 1e+06. */}}
{{- define "neurabalancer.text" -}}
{{- if kindIs "string" . }}{{ . }}{{- else }}{{ toJson . }}{{- end }}
{{- end }}

{{/* Whether the port of clients answers /health/ready itself to whoever asks. */}}
{{- define "neurabalancer.answersProbes" -}}
{{- $proxied := list "on" "true" "yes" "1" }}
{{- if and .Values.reservedPaths (not (has (lower (toString (get (.Values.env | default dict) "PROXY_PROTOCOL"))) $proxied)) }}true{{- end }}
{{- end }}

{{/*
A probe, at a port that answers it: (list . .Values.readinessProbe). That of the clients does not with reservedPaths: false or the
PROXY protocol, that of the admin does not where it is off.
*/}}
{{- define "neurabalancer.probe" -}}
{{- $root := index . 0 }}
{{- $probe := deepCopy (index . 1) }}
{{- if $probe.httpGet }}
{{- $port := toString $probe.httpGet.port }}
{{- if and (eq $port "admin") (not $root.Values.admin.enabled) }}
{{- $_ := set $probe.httpGet "port" "http" }}
{{- else if and (eq $port "http") (not (include "neurabalancer.answersProbes" $root)) }}
{{- $_ := set $probe.httpGet "port" "admin" }}
{{- end }}
{{- end }}
{{- toYaml $probe }}
{{- end }}

{{/* Security of the pods; with ports below 1024, what lets a user other than root listen there. */}}
{{- define "neurabalancer.podSecurityContext" -}}
{{- $context := deepCopy (.Values.podSecurityContext | default dict) }}
{{- $ports := .Values.containerPorts }}
{{- $isLow := or (lt (int $ports.http) 1024) (and .Values.tls.existingSecret (lt (int $ports.https) 1024)) }}
{{- if and $isLow (not (hasKey $context "sysctls")) }}
{{- $_ := set $context "sysctls" (list (dict "name" "net.ipv4.ip_unprivileged_port_start" "value" "0")) }}
{{- end }}
{{- if $context }}{{ toYaml $context }}{{- end }}
{{- end }}
