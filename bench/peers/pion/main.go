// Pion (Go) beside the other stacks of `npm run bench:peers`: does what bench/peers/child.mjs does in Node, with a line of
// JSON for each order on standard input and for each answer on standard output.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

// options is what any order may carry.
type options struct {
	Pairs        int        `json:"pairs"`
	Seconds      float64    `json:"seconds"`
	PayloadBytes int        `json:"payloadBytes"`
	Bytes        int        `json:"bytes"`
	MessageBytes int        `json:"messageBytes"`
	Count        int        `json:"count"`
	SDP          string     `json:"sdp"`
	Candidate    *candidate `json:"candidate"`
}

type order struct {
	ID      int     `json:"id"`
	Order   string  `json:"order"`
	Options options `json:"options"`
}

type object map[string]interface{}

var output sync.Mutex

func write(message object) {
	line, _ := json.Marshal(message)
	output.Lock()
	defer output.Unlock()
	os.Stdout.Write(append(line, '\n'))
}

func main() {
	bench := newBench(os.Args[1])
	orders := map[string]func(options) (interface{}, error){
		"setup":     bench.setup,
		"idle":      bench.idle,
		"srtp":      bench.srtp,
		"offer":     bench.offer,
		"answer":    bench.answer,
		"accept":    bench.accept,
		"candidate": bench.candidate,
		"opened":    bench.opened,
		"echo":      bench.echo,
		"ping":      bench.ping,
		"send":      bench.send,
		"receive":   bench.receive,
		"close":     bench.close,
	}
	write(object{"id": 0, "result": "Pion " + os.Args[2]})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<16), 1<<20)
	for lines.Scan() {
		var asked order
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil || asked.Order == "end" {
			return
		}
		go func() {
			result, err := orders[asked.Order](asked.Options)
			if err != nil {
				write(object{"id": asked.ID, "error": fmt.Sprintf("pion, %s: %v", asked.Order, err)})
			} else {
				write(object{"id": asked.ID, "result": result})
			}
		}()
	}
}
