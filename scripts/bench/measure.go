package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"fumin/scripts/drive"
)

// result is what one program did in all its windows at one number of clients.
type result struct {
	took  []time.Duration // of each loan
	clock time.Duration   // of the windows, each from its start to its last loan's end
	cpu   cpuTime         // in the windows
}

func (r *result) perSecond() float64 { return float64(len(r.took)) / r.clock.Seconds() }

// percentile returns the time that the given share of loans did not exceed. The loans must be sorted.
func (r *result) percentile(share float64) time.Duration {
	if len(r.took) == 0 {
		return 0
	}
	return r.took[min(len(r.took)-1, int(share*float64(len(r.took))))]
}

// window has the clients work until the time is over; a loan that was begun is ended and counts.
func (r *result) window(ctx context.Context, p processes, clients int, length time.Duration, once func(context.Context, int) error) error {
	before := p.usage()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	took, errs := make([][]time.Duration, clients), make([]error, clients)
	begun := time.Now()
	var group sync.WaitGroup
	for client := range clients {
		group.Go(func() {
			for time.Since(begun) < length && ctx.Err() == nil {
				start := time.Now()
				if errs[client] = once(ctx, client); errs[client] != nil {
					cancel()
					return
				}
				took[client] = append(took[client], time.Since(start))
			}
		})
	}
	group.Wait()
	r.clock += time.Since(begun)
	r.cpu.add(p.usage(), before)
	for client := range clients {
		if errs[client] != nil {
			return errs[client]
		}
		r.took = append(r.took, took[client]...)
	}
	return ctx.Err()
}

const warmUp = time.Second

// measureAll takes turns, service first and then plain first, so that a machine that grows slower or faster, and tables that
// grow, do as much to the one as to the other.
func measureAll(ctx context.Context, o options, site *drive.Site, service *serviceSide, plain *plainSide, out io.Writer) error {
	if o.serviceOnly {
		drive.Say(out, "The service is process %d.\n", site.ServiceProcess())
	}
	p := processes{service: site.ServiceProcess(), database: databaseProcess(site)}
	drive.Say(out, "%7s  %-8s %7s %8s %8s %8s   %-8s %s\n", "", "", "", "", "", "", "service", "processor ms a loan")
	drive.Say(out, "%7s  %-8s %7s %8s %8s %8s   %-8s %8s %8s %8s\n", "clients", "program", "loans", "loans/s", "p50 ms", "p99 ms",
		": plain", "database", "service", "clients")
	for _, clients := range o.clients {
		if err := plain.clients(ctx, clients); err != nil {
			return err
		}
		sides := []struct {
			name string
			once func(context.Context, int) error
			got  result
		}{{name: "service", once: service.once}, {name: "plain", once: plain.once}}
		if o.serviceOnly {
			sides = sides[:1]
		}
		for _, side := range sides {
			var unmeasured result
			if err := unmeasured.window(ctx, p, clients, warmUp, side.once); err != nil {
				return fmt.Errorf("%s, %d clients: %w", side.name, clients, err)
			}
		}
		for i := range o.windows * len(sides) {
			side := &sides[(i+1)/2%len(sides)]
			if err := side.got.window(ctx, p, clients, o.duration/time.Duration(o.windows), side.once); err != nil {
				return fmt.Errorf("%s, %d clients: %w", side.name, clients, err)
			}
		}
		for i := range sides {
			r := &sides[i].got
			slices.Sort(r.took)
			ratio := ""
			if i == 1 {
				ratio = fmt.Sprintf("%.2f", sides[0].got.perSecond()/r.perSecond())
			}
			loans := time.Duration(max(1, len(r.took)))
			drive.Say(out, "%7d  %-8s %7d %8.1f %8s %8s   %-8s %8s %8s %8s\n", clients, sides[i].name, len(r.took), r.perSecond(),
				inMilliseconds(r.percentile(0.50)), inMilliseconds(r.percentile(0.99)), ratio,
				inMilliseconds(r.cpu.database/loans), inMilliseconds(r.cpu.service/loans), inMilliseconds(r.cpu.clients/loans))
		}
	}
	return nil
}

func inMilliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000)
}

// machine prints what the figures were measured on.
func machine(ctx context.Context, out io.Writer, db *sql.DB, dir string) error {
	var server, flush string
	if err := db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&server); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, "SELECT @@innodb_flush_log_at_trx_commit").Scan(&flush); err != nil {
		return err
	}
	sync, err := syncTime(dir)
	if err != nil {
		return err
	}
	drive.Say(out, "Machine: %d × %s, %s/%s, %s, %s, flush at commit %s, fsync %s ms\n\n", runtime.NumCPU(), processor(),
		runtime.GOOS, runtime.GOARCH, runtime.Version(), server, flush, inMilliseconds(sync))
	return nil
}

// processor is the processor's name, where the system tells it in a file.
func processor() string {
	content, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "processors"
	}
	for line := range strings.SplitSeq(string(content), "\n") {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "processors"
}

const syncTries = 21

// syncTime is the median time of writing a little and having it on the disk: what every commit waits for.
func syncTime(dir string) (time.Duration, error) {
	file, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	var took []time.Duration
	for range syncTries {
		begun := time.Now()
		if _, err := file.Write(make([]byte, 512)); err != nil {
			return 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	return took[syncTries/2], nil
}
