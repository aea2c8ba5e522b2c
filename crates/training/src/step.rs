//! One step of an optimizer, in one pass over the values.

use tch::{Device, Kind, Tensor, no_grad};

/// Values a thread is worth starting for.
const VALUES_PER_THREAD: usize = 1 << 17;

/// What a step of the Adam family does to each value x with gradient g and moments m and v:
///
/// m ← m + `first_rate` · (g − m), v ← v + `second_rate` · (g² − v),
/// x ← x − (`of_moment` · m + `of_gradient` · g) / (√(v / `correction`) + `epsilon`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub first_rate: f64,
    pub second_rate: f64,
    pub of_moment: f64,
    pub of_gradient: f64,
    pub correction: f64,
    pub epsilon: f64,
}

impl Step {
    /// Moves `values` and both `moments`. As operations of libtorch that is a dozen passes over all values; on the processor it is
    /// one.
    pub(crate) fn take(&self, values: &Tensor, gradient: &Tensor, moments: [&Tensor; 2]) {
        let tensors = [values, gradient, moments[0], moments[1]];
        let is_plain = |tensor: &Tensor| {
            tensor.device() == Device::Cpu
                && tensor.kind() == Kind::Float
                && tensor.is_contiguous()
                && tensor.numel() == values.numel()
        };
        if tensors.into_iter().all(is_plain) {
            self.pass(values, gradient, moments);
        } else {
            no_grad(|| self.operations(values, gradient, moments));
        }
    }

    fn operations(&self, values: &Tensor, gradient: &Tensor, [first, second]: [&Tensor; 2]) {
        let _ = first.shallow_clone().lerp_(gradient, self.first_rate);
        let _ = second.shallow_clone().lerp_(&gradient.square(), self.second_rate);
        let denominator = (second / self.correction).sqrt() + self.epsilon;
        let numerator = first * self.of_moment + gradient * self.of_gradient;
        let _ = values.shallow_clone().g_sub_(&(numerator / denominator));
    }

    fn pass(&self, values: &Tensor, gradient: &Tensor, [first, second]: [&Tensor; 2]) {
        let count = values.numel();
        let [values, first, second] = [values, first, second].map(|tensor| tensor.data_ptr().cast::<f32>());
        let gradient = gradient.data_ptr().cast::<f32>().cast_const();
        #[expect(
            unsafe_code,
            reason = "four different f32 tensors of `count` values in a row, which `take` has checked; no one else touches them \
                      during the call, as tensors are not shared between threads"
        )]
        let (values, gradient, first, second) = unsafe {
            use std::slice::{from_raw_parts, from_raw_parts_mut};
            (
                from_raw_parts_mut(values, count),
                from_raw_parts(gradient, count),
                from_raw_parts_mut(first, count),
                from_raw_parts_mut(second, count),
            )
        };
        let threads = usize::try_from(tch::get_num_threads()).unwrap_or(1).min(count / VALUES_PER_THREAD).max(1);
        let size = count.div_ceil(threads).max(1);
        let pieces =
            values.chunks_mut(size).zip(gradient.chunks(size)).zip(first.chunks_mut(size).zip(second.chunks_mut(size)));
        std::thread::scope(|scope| {
            let mut pieces = pieces.map(|((values, gradient), (first, second))| {
                move || pulp::Arch::new().dispatch(|| self.each(values, gradient, first, second))
            });
            // This thread takes the first piece itself.
            let own = pieces.next();
            pieces.for_each(|piece| {
                scope.spawn(piece);
            });
            own.into_iter().for_each(|mut piece| piece());
        });
    }

    /// The formulas, value by value, for the compiler to take as many at once as the processor can.
    #[inline(always)]
    fn each(&self, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let [first_rate, second_rate, of_moment, of_gradient, correction, epsilon] =
            [self.first_rate, self.second_rate, self.of_moment, self.of_gradient, self.correction, self.epsilon]
                .map(|factor| factor as f32);
        for (((value, g), m), v) in values.iter_mut().zip(gradient).zip(first).zip(second) {
            *m += first_rate * (g - *m);
            *v += second_rate * (g * g - *v);
            *value -= (of_moment * *m + of_gradient * g) / ((*v / correction).sqrt() + epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways, over several steps and numbers of values, one of them enough for more than one thread.
    #[test]
    fn a_pass_does_what_the_operations_do() {
        tch::manual_seed(7);
        tch::set_num_threads(2);
        for count in [1, 37, 300_001] {
            let random = || Tensor::randn([count], (Kind::Float, Device::Cpu));
            let start = [random(), random() * 0.1, random().square() * 0.01];
            let (one, other) = (start.each_ref().map(Tensor::copy), start.each_ref().map(Tensor::copy));
            for number in 1..=3 {
                let gradient = random() * 0.1;
                let step = Step {
                    first_rate: 0.1,
                    second_rate: 0.001,
                    of_moment: 0.002 * f64::from(number),
                    of_gradient: 0.0003,
                    correction: 0.7,
                    epsilon: 1e-7,
                };
                step.pass(&one[0], &gradient, [&one[1], &one[2]]);
                step.operations(&other[0], &gradient, [&other[1], &other[2]]);
            }
            for (one, other) in one.iter().zip(&other) {
                assert!(one.allclose(other, 1e-5, 1e-6, false), "{count} values");
            }
            assert!(!one[0].allclose(&start[0], 1e-5, 1e-6, false), "{count} values stayed where they were");
        }
    }

    #[test]
    fn numbers_of_another_kind_take_the_operations() {
        let double = |value: f64| Tensor::from_slice(&[value]);
        let (value, first, second) = (double(1.0), double(0.0), double(0.0));
        let step =
            Step { first_rate: 1.0, second_rate: 1.0, of_moment: 0.5, of_gradient: 0.0, correction: 1.0, epsilon: 0.0 };
        step.take(&value, &double(-3.0), [&first, &second]);
        assert_eq!([&value, &first, &second].map(|tensor| tensor.double_value(&[0])), [1.5, -3.0, 9.0]);
    }
}
