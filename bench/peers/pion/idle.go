package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cpuUsed is what all threads took so far.
func cpuUsed() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// residentBytes is 0 where there is no /proc.
func residentBytes() int {
	text, _ := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return pages * os.Getpagesize()
}

// observe returns resident bytes, and CPU seconds a second.
func observe(seconds float64) (int, float64) {
	from, cpu := time.Now(), cpuUsed()
	time.Sleep(time.Duration(seconds * float64(time.Second)))
	return residentBytes(), float64(cpuUsed()-cpu) / float64(time.Since(from))
}

func (b *bench) idle(asked options) (interface{}, error) {
	if _, err := b.setup(asked); err != nil {
		return nil, err
	}
	rssBefore, cpuBefore := observe(asked.Seconds)
	failed := 0
	for open := 0; open < asked.Pairs; {
		p, err := b.newPair()
		if err != nil {
			return nil, err
		}
		defer p.close()
		if err := p.addAudio(); err != nil {
			return nil, err
		}
		if err := p.connect(); err != nil {
			failed++
			p.close()
		} else {
			open++
		}
	}
	time.Sleep(2 * time.Second)
	rssOpen, cpuOpen := observe(asked.Seconds)
	return object{
		"failed": failed, "rssBefore": rssBefore, "rssOpen": rssOpen, "cpuBefore": cpuBefore, "cpuOpen": cpuOpen,
	}, nil
}
