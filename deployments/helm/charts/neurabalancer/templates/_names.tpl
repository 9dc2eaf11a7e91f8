{{/* The chart's name, or what replaces it. */}}
{{- define "neurabalancer.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/*
What everything is called. At most 52 characters: those of a StatefulSet's pods have a label with its name and 11 more, and a label
has room for 63.
*/}}
{{- define "neurabalancer.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* What runs the pods. A volume for each of them needs a StatefulSet. */}}
{{- define "neurabalancer.kind" -}}
{{- default (ternary "StatefulSet" "Deployment" .Values.persistence.enabled) .Values.kind }}
{{- end }}

{{/* The full name with something behind it that is never cut: (list . "admin"). */}}
{{- define "neurabalancer.named" -}}
{{- $root := index . 0 }}
{{- $suffix := index . 1 }}
{{- $room := int (sub 62 (len $suffix)) }}
{{- printf "%s-%s" (include "neurabalancer.fullname" $root | trunc $room | trimSuffix "-") $suffix }}
{{- end }}

{{- define "neurabalancer.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* What a part's pods are found by. It may never change: (list . "balancer"). */}}
{{- define "neurabalancer.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "neurabalancer.name" $root | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* All labels of a part: (list . "balancer"). */}}
{{- define "neurabalancer.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ include "neurabalancer.chart" $root }}
{{ include "neurabalancer.selectorLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/part-of: neurabalancer
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "neurabalancer.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "neurabalancer.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* What an image is pulled by: (list . image). A digest wins over the tag. */}}
{{- define "neurabalancer.image" -}}
{{- $root := index . 0 }}
{{- $image := index . 1 }}
{{- $repository := $image.repository }}
{{- with $image.registry | default $root.Values.image.registry }}
{{- $repository = printf "%s/%s" . $repository }}
{{- end }}
{{- if $image.digest }}
{{- printf "%s@%s" $repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (toString ($image.tag | default $root.Chart.AppVersion)) }}
{{- end }}
{{- end }}

{{/* The secret that the chart makes of passwords that are given as values. */}}
{{- define "neurabalancer.secretName" -}}
{{- include "neurabalancer.fullname" . }}
{{- end }}

{{/*
What an annotation says of passwords, so that pods are rolled when one changes: (list . text). Whoever may look at pods reads it, and
could try words against a plain hash by the million: this one (scrypt, salted by the release) takes a tenth of a second for each.
*/}}
{{- define "neurabalancer.secretSum" -}}
{{- $root := index . 0 }}
{{- derivePassword 1 "maximum" (toString (index . 1)) $root.Release.Namespace $root.Release.Name | sha256sum }}
{{- end }}

{{/* Where a password lies, as a secretKeyRef: (list . .Values.db "db-password"). */}}
{{- define "neurabalancer.passwordRef" -}}
{{- $root := index . 0 }}
{{- $part := index . 1 }}
{{- if $part.existingSecret -}}
name: {{ $part.existingSecret | quote }}
key: {{ $part.existingSecretPasswordKey | quote }}
{{- else -}}
name: {{ include "neurabalancer.secretName" $root | quote }}
key: {{ index . 2 | quote }}
{{- end }}
{{- end }}

{{/* A Role in another namespace says whose it is: releases of one name may be in several. (list . namespace) */}}
{{- define "neurabalancer.discoveryName" -}}
{{- $root := index . 0 }}
{{- if eq (index . 1) $root.Release.Namespace }}
{{- include "neurabalancer.named" (list $root "discovery") }}
{{- else }}
{{- printf "%s.%s" $root.Release.Namespace (include "neurabalancer.named" (list $root "discovery")) }}
{{- end }}
{{- end }}

{{/* What pods beside the balancer have in common. They ask nobody, so that they need no account. */}}
{{- define "neurabalancer.plainPod" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
