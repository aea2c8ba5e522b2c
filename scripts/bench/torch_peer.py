"""The study's training in PyTorch. Prints the seconds of each epoch as a line of JSON.

    torch_peer.py MODEL LATENT EPOCHS plain     eager, as people write it
    torch_peer.py MODEL LATENT EPOCHS best      channels-last and fused Adam
    torch_peer.py MODEL LATENT EPOCHS bf16      the same, with bfloat16 autocast
    torch_peer.py peak                          operations a second of a matrix product in f32, instead of seconds
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional

import digits


class Crop(nn.Module):
    """Keeps the first rows and columns, which is Keras' "same"."""

    def __init__(self, side):
        super().__init__()
        self.side = side

    def forward(self, values):
        return values[..., : self.side, : self.side]


class Autoencoder(nn.Module):
    def __init__(self, model, latent):
        super().__init__()
        self.is_variational = model == "cvae"
        self.is_flat = model == "ae"
        if model == "ae":
            units = [784, 512, 256, 128, 64]
            self.encoder = nn.Sequential(*self.hidden(units), nn.Linear(64, latent), nn.LeakyReLU(0.2))
            self.decoder = nn.Sequential(*self.hidden([latent, 64, 128, 256, 512]), nn.Linear(512, 784))
            return
        convolutions = []
        for inputs, filters in ((1, 32), (32, 64)):
            convolutions += [nn.Conv2d(inputs, filters, 3, padding=1), nn.BatchNorm2d(filters, 1e-3, 0.01)]
            convolutions += [nn.LeakyReLU(0.2), nn.MaxPool2d(2)]
        head = [nn.Linear(3136, 2 * latent)] if self.is_variational else [nn.Linear(3136, latent), nn.LeakyReLU(0.2)]
        self.encoder = nn.Sequential(*convolutions, nn.Flatten(), *head)
        self.decoder = nn.Sequential(
            nn.Linear(latent, 3136), nn.LeakyReLU(0.2), nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 64, 3, stride=2), Crop(14), nn.BatchNorm2d(64, 1e-3, 0.01), nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(64, 1, 3, stride=2), Crop(28),
            *([] if self.is_variational else [nn.BatchNorm2d(1, 1e-3, 0.01)]),
        )

    @staticmethod
    def hidden(units):
        for inputs, outputs in zip(units, units[1:]):
            yield from (nn.Linear(inputs, outputs), nn.LeakyReLU(0.2), nn.Dropout(0.5))

    def loss(self, images):
        encoded = self.encoder(images.flatten(1) if self.is_flat else images)
        if not self.is_variational:
            logits = self.decoder(encoded).float().flatten(1)
            return functional.binary_cross_entropy_with_logits(logits, images.flatten(1))
        mean, log_variance = encoded.float().chunk(2, 1)
        logits = self.decoder(mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)).float().flatten(1)
        reconstruction = functional.binary_cross_entropy_with_logits(logits, images.flatten(1), reduction="sum")
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum()
        return (reconstruction + divergence) / len(images)


def train(model, latent, epochs, way):
    train, test = [torch.from_numpy(part).unsqueeze(1) for part in digits.study()]
    network = Autoencoder(model, int(latent))
    if way == "plain":
        optimizer = torch.optim.NAdam(network.parameters(), digits.LEARNING_RATE)
    else:
        network = network.to(memory_format=torch.channels_last)
        train, test = [part.contiguous(memory_format=torch.channels_last) for part in (train, test)]
        optimizer = torch.optim.Adam(network.parameters(), digits.LEARNING_RATE, fused=True)
    seconds = []
    for _ in range(int(epochs)):
        begin = time.perf_counter()
        network.train()
        for images in train.split(digits.BATCH_SIZE):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=way == "bf16"):
                loss = network.loss(images)
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=way == "bf16"):
            sum(network.loss(images).item() * len(images) for images in test.split(digits.BATCH_SIZE))
        seconds.append(time.perf_counter() - begin)
    return seconds


def peak():
    left, right = torch.randn(2048, 2048), torch.randn(2048, 2048)
    rates = []
    for _ in range(8):
        begin = time.perf_counter()
        torch.mm(left, right)
        rates.append(2 * 2048**3 / (time.perf_counter() - begin))
    return rates


if __name__ == "__main__":
    torch.manual_seed(0)
    arguments = sys.argv[1:]
    print(json.dumps({"seconds": peak() if arguments == ["peak"] else train(*arguments)}))
