{{- define "assay.name" -}}
{{- if contains "assay" .Release.Name }}{{ .Release.Name | trunc 50 }}{{ else }}{{ printf "%s-assay" .Release.Name | trunc 50 }}{{ end -}}
{{- end }}

{{- define "assay.labels" -}}
app.kubernetes.io/name: assay
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "assay.selector" -}}
app.kubernetes.io/name: assay
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "assay.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "assay.tlsSecret" -}}
{{ .Values.tls.secret | default (printf "%s-tls" (include "assay.name" .)) }}
{{- end }}

{{- /* What every container of the release may do: nothing but its work. */ -}}
{{- define "assay.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "assay.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "assay.environment" -}}
- {name: HOME, value: /var/lib/assay}
- {name: TMPDIR, value: /scratch}
- {name: ASSAY_CACHE_DIR, value: /var/lib/assay/cache}
{{- with .Values.database.mirror }}
- {name: ASSAY_DB_MIRROR, value: {{ . | quote }}}
{{- end }}
{{- with .Values.postgres.secret }}
- name: ASSAY_DATABASE
  valueFrom: {secretKeyRef: {name: {{ . }}, key: url}}
{{- end }}
{{- if .Values.registryCredentials }}
- {name: DOCKER_CONFIG, value: /etc/assay/registry}
{{- end }}
{{- end }}

{{- /* Where large documents are, for who reads and writes them. */ -}}
{{- define "assay.objects" -}}
{{- with .Values.objects.place }}
- {name: ASSAY_OBJECTS, value: {{ . | quote }}}
{{- end }}
{{- with .Values.objects.endpoint }}
- {name: ASSAY_OBJECTS_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- with .Values.objects.region }}
- {name: AWS_REGION, value: {{ . | quote }}}
{{- end }}
{{- with .Values.objects.credentialsSecret }}
- name: AWS_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ . }}, key: access-key-id}}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ . }}, key: secret-access-key}}
{{- end }}
{{- end }}

{{- /* What this cluster calls itself at the end of the path of its webhooks. */ -}}
{{- define "assay.cluster" -}}
{{- with .Values.webhook.cluster }}
{{- if not (regexMatch "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" .) }}{{ fail "`webhook.cluster` has up to 63 of the characters a-z, 0-9 and `-`, not `-` first or last" }}{{ end -}}
/{{ . }}
{{- end }}
{{- end }}

{{- define "assay.mounts" -}}
- {name: data, mountPath: /var/lib/assay}
- {name: scratch, mountPath: /scratch}
{{- if .Values.registryCredentials }}
- {name: registry, mountPath: /etc/assay/registry, readOnly: true}
{{- end }}
{{- end }}

{{- define "assay.volumes" -}}
- {name: scratch, emptyDir: {sizeLimit: 10Gi}}
{{- with .Values.registryCredentials }}
- name: registry
  secret:
    secretName: {{ . }}
    items: [{key: .dockerconfigjson, path: config.json}]
{{- end }}
{{- end }}

{{- /* The keys for credentials, which what updates the vulnerability database has no use for. */ -}}
{{- define "assay.credentialArguments" -}}
{{- if .Values.credentials.keySecret }}
{{- range .Values.credentials.keys }}
- --credential-key=/etc/assay/credentials/{{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "assay.credentialMount" -}}
{{- if .Values.credentials.keySecret }}
- {name: credentials, mountPath: /etc/assay/credentials, readOnly: true}
{{- end }}
{{- end }}

{{- define "assay.credentialVolume" -}}
{{- with .Values.credentials.keySecret }}
- name: credentials
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{- /* Keeps the vulnerability database of the volume beside it fresh; a failure keeps what is there. */ -}}
{{- define "assay.updater" -}}
- name: database
  image: {{ include "assay.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args: [db, update, --every, {{ .Values.database.updateEverySeconds | quote }}]
  env: {{- include "assay.environment" . | nindent 4 }}
  securityContext: {{- include "assay.containerSecurity" . | nindent 4 }}
  resources:
    requests: {cpu: 50m, memory: 256Mi}
    limits: {memory: 2Gi}
  volumeMounts: {{- include "assay.mounts" . | nindent 4 }}
{{- end }}

{{- define "assay.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "assay.client" -}}
{{- $root := index . 0 -}}
clientConfig:
  {{- if $root.Values.webhook.url }}
  url: {{ printf "%s%s%s" (trimSuffix "/" $root.Values.webhook.url) (index . 2) (include "assay.cluster" $root) }}
  {{- else }}
  service:
    name: {{ include "assay.name" $root }}
    namespace: {{ $root.Release.Namespace }}
    path: {{ index . 2 }}{{ include "assay.cluster" $root }}
    port: 443
  {{- end }}
  {{- with index . 1 }}
  caBundle: {{ . }}
  {{- end }}
{{- end }}

{{- define "assay.hook" -}}
admissionReviewVersions: [v1]
# A dry run changes nothing; otherwise an unknown image is asked for, and what happened is recorded.
sideEffects: NoneOnDryRun
failurePolicy: {{ .Values.webhook.failurePolicy }}
timeoutSeconds: {{ .Values.webhook.timeoutSeconds }}
matchPolicy: Equivalent
{{- $exempt := .Values.webhook.exemptNamespaces }}
{{- if .Values.server.enabled }}{{ $exempt = append $exempt .Release.Namespace }}{{ end }}
{{- with $exempt }}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: {{ . | uniq | toJson }}
{{- end }}
{{- end }}

{{- /* An update that changes neither image nor tier must pass also while Assay is away, so the API server decides that itself. */ -}}
{{- define "assay.condition" -}}
{{- $at := index . 1 -}}
{{- $same := list -}}
{{- range list "containers" "initContainers" "ephemeralContainers" }}
{{- $list := "%s.?%s.orValue([]).map(c, c.?image.orValue(''))" }}
{{- $same = append $same (printf "%s == %s" (printf $list (printf "object%s" $at) .) (printf $list (printf "oldObject%s" $at) .)) }}
{{- end }}
{{- $volumes := "%s.?volumes.orValue([]).map(v, v.?image.?reference.orValue(''))" }}
{{- $same = append $same (printf "%s == %s" (printf $volumes (printf "object%s" $at)) (printf $volumes (printf "oldObject%s" $at))) }}
{{- range (index . 0).Values.webhook.tierLabels }}
{{- $label := printf "%%s.metadata.?labels[?'%s'].orValue('')" . }}
{{- $same = append $same (printf "%s == %s" (printf $label "object") (printf $label "oldObject")) }}
{{- end -}}
request.operation != 'UPDATE' || !({{ join " && " $same }})
{{- end }}

{{- define "assay.pods" -}}
rules:
  - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods, pods/ephemeralcontainers], scope: Namespaced}
matchConditions:
  - name: images-or-tier-change
    expression: {{ include "assay.condition" (list . ".spec") | toJson }}
{{- end }}
