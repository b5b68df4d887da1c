//go:build browser

package app

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// firstPaint waits for the browser's own entry: ms from the beginning of the navigation
// until the first text or picture is painted, and until the first byte of the answer.
const firstPaint = `new Promise(done => new PerformanceObserver(list => list.getEntries().forEach(e => {
	if (e.name === "first-contentful-paint") done([e.startTime, performance.getEntriesByType("navigation")[0].responseStart]);
})).observe({type: "paint", buffered: true}))`

// paintings is how often a page is loaded, after once that nobody counts.
const paintings = 10

// paint has a real browser load pages, each as who asked for it, and says when it
// painted first: W3C Paint Timing, first-contentful-paint.
func (c *benchHouse) paint(pages []*pace) {
	c.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	base := "http://localhost:" + port
	front := httptest.NewUnstartedServer(c.open.Front)
	_ = front.Listener.Close()
	front.Listener = l
	front.Start()
	defer front.Close()
	defer c.open.Front.EndStreams()
	all, stop := chromedp.NewExecAllocator(c.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	defer stop()
	browser, end := chromedp.NewContext(all)
	defer end()
	if err := chromedp.Do(browser, chromedp.Navigate("about:blank")); err != nil {
		c.Fatalf("a browser is needed (make bench-console installs one): %v", err)
	}
	slow := 0
	for _, p := range pages {
		paints, bytes := c.paints(browser, base, p)
		at := func(of []time.Duration, q float64) string { return ms((&pace{took: of}).at(q)) }
		if (&pace{took: paints}).at(0.95) > time.Second {
			slow++
		}
		fmt.Fprintf(os.Stderr, "%-9s %-58s first paint p50 %8s  p95 %8s  max %8s  first byte p50 %8s  of %d\n", p.role, p.page, at(paints, 0.5), at(paints, 0.95), at(paints, 1), at(bytes, 0.5), len(paints))
	}
	fmt.Fprintf(os.Stderr, "%d pages painted, %d of them after 1 s or more (p95)\n", len(pages), slow)
	c.ReportMetric(float64(slow), "first-paints-over-1s")
}

// paints loads one page again and again, in a tab of its own.
func (c *benchHouse) paints(browser context.Context, base string, p *pace) (paints, bytes []time.Duration) {
	c.Helper()
	tab, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	defer end()
	tab, cancel := context.WithTimeout(tab, 5*time.Minute)
	defer cancel()
	for cookie := range strings.SplitSeq(p.cookies, "; ") {
		name, value, _ := strings.Cut(cookie, "=")
		if _, err := chromedp.Call(tab, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: base}); err != nil {
			c.Fatal(err)
		}
	}
	began := time.Now()
	for n := range paintings + 1 {
		if err := chromedp.Do(tab, chromedp.Navigate(base+p.where(n))); err != nil {
			c.Fatalf("%s: %v", p.page, err)
		}
		got, err := chromedp.Run(tab, chromedp.Evaluate[[]float64](firstPaint, chromedp.EvalAwaitPromise))
		if err != nil || len(got) != 2 {
			c.Fatalf("%s painted nothing: %v %v", p.page, got, err)
		}
		if n > 0 {
			paints = append(paints, time.Duration(got[0]*float64(time.Millisecond)))
			bytes = append(bytes, time.Duration(got[1]*float64(time.Millisecond)))
		}
		if n > 2 && time.Since(began) > 20*time.Second {
			break
		}
	}
	slices.Sort(paints)
	slices.Sort(bytes)
	return paints, bytes
}
