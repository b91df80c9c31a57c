package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count by route and outcome. A label never holds an id, an address
// or anything else that a caller can choose.
type metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	handOuts  *prometheus.CounterVec
	denials   *prometheus.CounterVec
	bankCalls *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "consentd_http_requests_total", Help: "Requests, by route and class of status.",
		}, []string{"method", "route", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "consentd_http_request_duration_seconds", Help: "How long requests took, by route.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 25},
		}, []string{"route"}),
		handOuts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "consentd_hand_outs_total", Help: "Answers to apps asking for a token, by outcome.",
		}, []string{"outcome"}),
		denials: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "consentd_denied_requests_total", Help: "Requests that were turned away before anything was done, by the code of the answer.",
		}, []string{"code"}),
		bankCalls: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "consentd_bank_calls_in_flight", Help: "Calls of apps to a bank's API that are open, by bank.",
		}, []string{"bank"}),
	}
	if r == nil {
		return m, nil
	}
	err := errors.Join(r.Register(m.requests), r.Register(m.durations), r.Register(m.handOuts), r.Register(m.denials), r.Register(m.bankCalls))
	if err != nil {
		return nil, fmt.Errorf("web: metrics: %w", err)
	}
	return m, nil
}

func (m *metrics) request(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(knownMethod(method), route, strconv.Itoa(status/100)+"xx").Inc()
	m.durations.WithLabelValues(route).Observe(took.Seconds())
}

func (m *metrics) denied(code string) { m.denials.WithLabelValues(code).Inc() }

func (m *metrics) handOut(outcome string) { m.handOuts.WithLabelValues(outcome).Inc() }

// knownMethod is the method, as long as it is one of HTTP's.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}
