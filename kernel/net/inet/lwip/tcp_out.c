/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's TCP output, compiled as a part of this file, and a second way to queue data: see
 * tcp_write.h.
 *
 * The library's tcp_write() copies data, or refers to memory that must stay unchanged until the
 * peer has acknowledged it, of which its owner is told in bytes.  Here segments hold counted slices
 * of buffers instead, which go with the segments; for that its static functions are wanted.
 */
#include <core/tcp_out.c>

#include "net/inet/buffer.h"
#include "net/inet/lwip/tcp_write.h"

bool tcp_can_queue(const struct tcp_pcb *pcb)
{
	return pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT;
}

/* As in tcp_write(): no segment is longer than half of the largest window of the peer. */
static u16_t segment_limit(const struct tcp_pcb *pcb)
{
	u16_t half = TCPWND_MIN16(pcb->snd_wnd_max / 2);

	return half != 0 && half < pcb->mss ? half : pcb->mss;
}

static struct tcp_seg *last_unsent(const struct tcp_pcb *pcb)
{
	struct tcp_seg *segment = pcb->unsent;

	while (segment != NULL && segment->next != NULL)
		segment = segment->next;
	return segment;
}

/* How many bytes the segment still takes. */
static u16_t room_in(const struct tcp_seg *segment, u16_t limit)
{
	if (segment == NULL || segment->len == 0 || segment->len >= limit ||
	    TCPH_FLAGS(segment->tcphdr) & (TCP_SYN | TCP_FIN))
		return 0;
	return limit - segment->len;
}

/* The segment takes the pbuf. */
static void extend(struct tcp_pcb *pcb, struct tcp_seg *segment, struct pbuf *data)
{
	segment->len += data->tot_len;
	pcb->snd_lbb += data->tot_len;
	pcb->snd_buf -= data->tot_len;
	pcb->snd_queuelen += pbuf_clen(data);
	TCPH_SET_FLAG(segment->tcphdr, TCP_PSH);
	pbuf_cat(segment->p, data);
}

/* A new segment behind `last` (NULL: the first), of a pbuf with room for headers, which it takes
 * or frees.  NULL: no memory. */
static struct tcp_seg *append(struct tcp_pcb *pcb, struct tcp_seg *last, struct pbuf *data)
{
	u16_t length = data->tot_len, pieces = pbuf_clen(data);
	struct tcp_seg *segment = tcp_create_segment(pcb, data, TCP_PSH, pcb->snd_lbb, 0);

	if (segment == NULL)
		return NULL;
	if (last == NULL)
		pcb->unsent = segment;
	else
		last->next = segment;
	pcb->snd_lbb += length;
	pcb->snd_buf -= length;
	pcb->snd_queuelen += pieces;
	return segment;
}

/* A pbuf for headers with a slice behind it. */
static struct pbuf *headed_slice(struct buffer *buffer, u32 offset, u16 length)
{
	struct pbuf *header, *slice = buffer_slice(buffer, offset, length);

	if (slice == NULL)
		return NULL;
	header = pbuf_alloc(PBUF_TRANSPORT, 0, PBUF_RAM);
	if (header == NULL) {
		pbuf_free(slice);
		return NULL;
	}
	pbuf_cat(header, slice);
	return header;
}

u32 tcp_queue_buffer(struct tcp_pcb *pcb, struct buffer *buffer, u32 offset, u32 length)
{
	u16_t limit = segment_limit(pcb);
	struct tcp_seg *last = last_unsent(pcb);
	u32 done = MIN((u32)room_in(last, limit), length);

	if (done > 0) {
		struct pbuf *slice = buffer_slice(buffer, offset, (u16)done);

		if (slice == NULL)
			return 0;
		extend(pcb, last, slice);
	}
	while (done < length) {
		u16 piece = (u16)MIN((u32)limit, length - done);
		struct pbuf *data = headed_slice(buffer, offset + done, piece);

		last = data != NULL ? append(pcb, last, data) : NULL;
		if (last == NULL)
			break;
		done += piece;
	}
	return done;
}

u32 tcp_queue_pbuf(struct tcp_pcb *pcb, struct pbuf *pbuf)
{
	u16_t limit = segment_limit(pcb), length = pbuf->tot_len;
	struct tcp_seg *last = last_unsent(pcb);

	if (length <= room_in(last, limit)) {
		extend(pcb, last, pbuf);
		return length;
	}
	if (length <= limit)
		return append(pcb, last, pbuf) != NULL ? length : 0;
	/* A peer with hardly any window: the library divides it. */
	err_t error = tcp_write(pcb, pbuf->payload, length, TCP_WRITE_FLAG_COPY);
	pbuf_free(pbuf);
	return error == ERR_OK ? length : 0;
}
