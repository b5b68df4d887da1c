package httpapi

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are of this API alone, in a registry of its own. Labels are methods,
// patterns of the table, statuses and result names: nothing of a request.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
	events   *prometheus.CounterVec
	accesses *prometheus.CounterVec
	denials  *prometheus.CounterVec
}

func newMetrics(a *API) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "greffe_http_requests_total", Help: "Requests answered."}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "greffe_http_request_seconds", Help: "Seconds from a request's first byte to its answer's last.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "greffe_http_in_flight", Help: "Requests being worked on."}),
		events:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "greffe_events_total", Help: "Events sent in, by what became of them."}, []string{"status"}),
		accesses: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "greffe_accesses_total", Help: "Accesses to personal data, by whether they could be recorded."}, []string{"outcome"}),
		denials:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "greffe_denials_total", Help: "Requests refused to their caller, by code and by whether the caller's account is known."}, []string{"code", "caller"}),
	}
	ready := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "greffe_ready", Help: "1 if this node can answer everything."}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		var away *AwayError
		if err := a.services.Nodes.Ready(ctx); err != nil && !(errors.As(err, &away) && away.Ready) {
			return 0
		}
		return 1
	})
	m.registry.MustRegister(m.requests, m.seconds, m.inFlight, m.events, m.accesses, m.denials, ready)
	return m
}

func (m *metrics) observe(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(method, route).Observe(took.Seconds())
}

// Registry lets other parts of the process add their own metrics.
func (a *API) Registry() prometheus.Registerer { return a.metrics.registry }

func (a *API) writeMetrics(c *Call) {
	promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{DisableCompression: true}).ServeHTTP(c.w, c.r)
}
