package esdbtest

import (
	"context"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
)

// features tells what the server can, in lower case as real servers do.
type features struct {
	serverfeatures.UnimplementedServerFeaturesServer
}

// GetSupportedMethods implements the service.
func (features) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	out := &serverfeatures.SupportedMethods{EventStoreServerVersion: "24.6.0"}
	for _, name := range []string{"read", "append", "delete", "tombstone"} {
		out.Methods = append(out.Methods, &serverfeatures.SupportedMethod{ServiceName: "event_store.client.streams.streams", MethodName: name})
	}
	return out, nil
}

type gossipService struct {
	gossip.UnimplementedGossipServer
	srv *Server
}

// Read implements the service: every node, dead ones too, and who leads.
func (g *gossipService) Read(context.Context, *shared.Empty) (*gossip.ClusterInfo, error) {
	g.srv.mu.Lock()
	defer g.srv.mu.Unlock()
	info := &gossip.ClusterInfo{}
	for i, n := range g.srv.nodes {
		m := &gossip.MemberInfo{
			InstanceId:   wireID(n.id),
			TimeStamp:    time.Now().UnixNano() / 100,
			State:        gossip.MemberInfo_Follower,
			IsAlive:      n.grpc != nil,
			HttpEndPoint: &gossip.EndPoint{Address: n.host, Port: uint32(n.port)},
		}
		if i == g.srv.leader {
			m.State = gossip.MemberInfo_Leader
		}
		info.Members = append(info.Members, m)
	}
	return info, nil
}
