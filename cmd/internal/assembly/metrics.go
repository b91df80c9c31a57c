package assembly

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/consentd/consentd/consent/schedule"
)

// metrics makes the registry with what is known of the process as a whole;
// package web adds what it counts.
func (p *Program) metrics(version string) *prometheus.Registry {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "consentd_build_info", Help: "Always 1; which version runs.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()},
	})
	build.Set(1)
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		build, jobs{p.schedule})
	return registry
}

var lastSuccess = prometheus.NewDesc("consentd_job_last_success_timestamp_seconds",
	"When a job last succeeded in this process; 0: it has not.", []string{"job"}, nil)

// jobs reads the schedule when it is asked.
type jobs struct{ schedule *schedule.Schedule }

// Describe implements [prometheus.Collector].
func (j jobs) Describe(out chan<- *prometheus.Desc) { out <- lastSuccess }

// Collect implements [prometheus.Collector].
func (j jobs) Collect(out chan<- prometheus.Metric) {
	for name, at := range j.schedule.Successes() {
		var seconds float64
		if !at.IsZero() {
			seconds = float64(at.UnixMilli()) / 1000
		}
		out <- prometheus.MustNewConstMetric(lastSuccess, prometheus.GaugeValue, seconds, name)
	}
}
