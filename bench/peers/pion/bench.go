package main

import (
	"net"

	"github.com/pion/ice/v2"
	// Debian's sources stand below GOPATH, where paths carry no major version.
	"github.com/pion/webrtc"
)

type candidate = webrtc.ICECandidateInit

// bench holds what the orders share.
type bench struct {
	api *webrtc.API
	end *dataEnd
}

// newBench binds every connection to one address, as the other stacks do.
func newBench(address string) *bench {
	engine := webrtc.SettingEngine{}
	engine.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	engine.SetIncludeLoopbackCandidate(net.ParseIP(address).IsLoopback())
	engine.SetIPFilter(func(ip net.IP) bool { return ip.String() == address })
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		panic(err)
	}
	return &bench{api: webrtc.NewAPI(webrtc.WithSettingEngine(engine), webrtc.WithMediaEngine(media))}
}
